import Geometry

/// One class a pixel, row by row `(H, W)`.
public struct SemanticLabels: Sendable, Hashable {
    public var size: ImageSize
    /// Indices in `0..<classCount`, or the segmenter's ignore label in a target.
    public var labels: [Int32]

    /// - Precondition: `labels.count == size.pixelCount`.
    public init(size: ImageSize, labels: [Int32]) {
        precondition(labels.count == size.pixelCount, "\(labels.count) labels for a picture of \(size)")
        self.size = size
        self.labels = labels
    }

    /// Labels as a PNG holds them, 255 for pixels that do not count.
    public init(size: ImageSize, bytes: [UInt8]) { self.init(size: size, labels: bytes.map(Int32.init)) }
}
