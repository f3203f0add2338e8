import ImageFiles
import SafeFiles
import Synchronization

/// Decoded pictures kept in memory up to a budget; later ones are decoded each time. Results never depend on the budget.
public final class PictureStore: Sendable {
    private struct State {
        var pictures: [String: Picture] = [:]
        var bytes = 0
    }

    public let budget: Int
    public let limits: ImageLimits
    private let state = Mutex(State())

    /// - Parameters:
    ///   - budget: bytes of decoded pictures to keep; 0 keeps none.
    public init(budget: Int = 512 << 20, limits: ImageLimits = .standard) {
        self.budget = budget
        self.limits = limits
    }

    /// Bytes kept now.
    public var keptBytes: Int { state.withLock { $0.bytes } }

    public func picture(at path: String) throws(DataError) -> Picture {
        if let kept = state.withLock({ $0.pictures[path] }) { return kept }
        let picture = try PictureFile.load(path, limits: limits)
        state.withLock { state in
            guard state.pictures[path] == nil, state.bytes + picture.pixels.count <= budget else { return }
            state.pictures[path] = picture
            state.bytes += picture.pixels.count
        }
        return picture
    }
}
