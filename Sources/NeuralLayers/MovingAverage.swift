import Autograd
import TensorCore

/// A layer that follows another by exponential moving average: momentum encoders and weight averages.
public struct MovingAverage {
    private let pairs: [(follower: Tensor, leader: () -> Tensor)]

    /// - Parameter skipsFrozen: leaves out what the leader does not train, which rounding would wear away otherwise.
    /// - Precondition: both layers have the same state; the follower starts as a copy.
    public init<L: Layer>(_ follower: L, following leader: L, skipsFrozen: Bool = false) {
        let (mine, theirs) = (follower.stateEntries(), leader.stateEntries())
        precondition(mine.map(\.name) == theirs.map(\.name), "moving average of layers with different state")
        pairs = zip(mine, theirs).compactMap { mine, theirs in
            mine.tensor.assign(theirs.tensor)
            if skipsFrozen, case .parameter(let parameter) = theirs.storage, !parameter.isTrainable { return nil }
            // An optimizer may move a parameter's values: look them up when they are used.
            if case .parameter(let parameter) = theirs.storage { return (mine.tensor, { parameter.value }) }
            let buffer = theirs.tensor
            return (mine.tensor, { buffer })
        }
        follower.freeze()
    }

    /// `follower = decay · follower + (1 − decay) · leader`.
    public func update(decay: Double) {
        for pair in pairs { Elementwise.movingAverage(pair.follower, pair.leader(), decay: decay) }
    }
}
