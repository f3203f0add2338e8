import Determinism

/// Draws a fixed number of candidates with at most a given share of foreground; background fills the rest.
///
/// - Source: detectron2's `subsample_labels`.
public struct BalancedSampler: Sendable, Hashable {
    /// Candidates a picture.
    public var count: Int
    /// The largest share of foreground.
    public var foregroundShare: Double

    /// - Precondition: `count ≥ 1` and the share within 0...1.
    public init(count: Int, foregroundShare: Double) {
        precondition(count >= 1 && (0...1).contains(foregroundShare), "sampler of \(count) at \(foregroundShare)")
        self.count = count
        self.foregroundShare = foregroundShare
    }

    /// Indices in ascending order.
    ///
    /// - Parameter stream: the step's and picture's own stream; the draw is a pure function of it.
    public func sample(_ verdicts: [BoxMatcher.Verdict], stream: RandomStream) -> (foreground: [Int], background: [Int])
    {
        var stream = stream
        let positives = verdicts.indices.filter { verdicts[$0] == .foreground }
        let negatives = verdicts.indices.filter { verdicts[$0] == .background }
        let foregroundCount = min(Int(Double(count) * foregroundShare), positives.count)
        let foreground = Self.draw(foregroundCount, of: positives, &stream)
        return (foreground, Self.draw(min(count - foregroundCount, negatives.count), of: negatives, &stream))
    }

    /// The first steps of a Fisher–Yates shuffle.
    private static func draw(_ wanted: Int, of indices: [Int], _ stream: inout RandomStream) -> [Int] {
        if wanted == indices.count { return indices }
        var indices = indices
        for position in 0..<wanted {
            indices.swapAt(position, position + stream.int(below: indices.count - position))
        }
        return indices[..<wanted].sorted()
    }
}
