import Determinism

/// Batches of sample indices. The order depends on (seed, epoch) alone, so a resumed run sees the same data.
public struct EpochPlan: Sendable, Hashable {
    public let sampleCount: Int
    public let batchSize: Int
    public let seed: UInt64
    /// Whether a last batch of fewer samples is left out.
    public let dropsLast: Bool

    /// - Precondition: counts positive, and at least one whole batch when the last is dropped.
    public init(sampleCount: Int, batchSize: Int, seed: UInt64, dropsLast: Bool = false) {
        precondition(
            sampleCount > 0 && batchSize > 0 && (!dropsLast || sampleCount >= batchSize),
            "epochs of \(sampleCount) samples in batches of \(batchSize)")
        self.sampleCount = sampleCount
        self.batchSize = batchSize
        self.seed = seed
        self.dropsLast = dropsLast
    }

    public var batchCount: Int { dropsLast ? sampleCount / batchSize : (sampleCount + batchSize - 1) / batchSize }

    /// All batches of an epoch.
    public func batches(epoch: Int) -> [[Int]] {
        var stream = RandomStream(seed: seed, purpose: "epoch order", UInt64(epoch))
        let order = stream.permutation(sampleCount)
        return (0..<batchCount).map { Array(order[$0 * batchSize..<min(($0 + 1) * batchSize, sampleCount)]) }
    }

    /// The batch of a step counted over all epochs, and its epoch.
    public func batch(step: Int) -> (epoch: Int, indices: [Int]) {
        let epoch = step / batchCount
        return (epoch, batches(epoch: epoch)[step % batchCount])
    }
}
