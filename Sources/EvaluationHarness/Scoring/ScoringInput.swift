import Determinism
import ImageFiles

/// What scoring accepts of the files it is given, and on how many threads.
public struct ScoringInput: Sendable {
    /// Whether files in folders may be symbolic links.
    public var allowsLinks = false
    /// Pixels that a picture may have; nil: the readers' own limit.
    public var maxPixels: Int?
    /// Nil: all cores.
    public var threads: Int?

    public init() {}

    /// Puts limit and threads in effect for the process.
    func apply() {
        if let maxPixels { ImageLimits.setMaxPixels(maxPixels) }
        if let threads { Parallel.setThreadCount(threads) }
    }
}
