import NeuralLayers
import VisionBackbones

extension VisionTransformer {
    /// A backbone of its own with the same values: training the copy leaves the original as it is.
    ///
    /// - Parameter dropPath: the copy's rate at the last block; the values do not depend on it.
    public func copied(dropPath: Double = 0) -> VisionTransformer {
        var changed = configuration
        changed.dropPath = dropPath
        let copy = VisionTransformer(changed, seed: 0)
        for (mine, theirs) in zip(copy.stateEntries(), stateEntries()) { mine.tensor.assign(theirs.tensor) }
        return copy
    }

    /// `count` blocks at equal distances, the last one among them: 2, 5, 8, 11 of twelve.
    ///
    /// - Precondition: `depth ≥ 1`, `count ≥ 1`; of a shallow network some blocks are named twice.
    public static func evenTaps(depth: Int, count: Int = 4) -> [Int] {
        (1...count).map { max(0, $0 * depth / count - 1) }
    }
}
