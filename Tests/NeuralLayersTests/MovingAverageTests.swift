import Determinism
import NeuralLayers
import TensorCore
import Testing

@Suite struct MovingAverageTests {
    private func layer(_ seed: UInt64) -> Linear {
        var stream = RandomStream(seed: seed, purpose: "average")
        return Linear(3, 2, &stream)
    }

    @Test func theFollowerStartsAsAFrozenCopy() {
        let (leader, follower) = (layer(1), layer(2))
        _ = MovingAverage(follower, following: leader)
        #expect(follower.weight.value.floats() == leader.weight.value.floats())
        #expect(!follower.weight.isTrainable && leader.weight.isTrainable)
        #expect(follower.weight.value.raw != leader.weight.value.raw)
    }

    /// Also after an optimizer has moved the leader's values into its buffer.
    @Test func updatesMixByTheDecay() {
        let (leader, follower) = (layer(1), layer(2))
        let average = MovingAverage(follower, following: leader)
        let start = leader.weight.value.floats()
        let optimizer = AdamW([ParameterGroup(leader.parameters)])
        leader.weight.value.assign(Tensor(start.map { $0 + 1 }, [2, 3]))
        average.update(decay: 0.75)
        for (found, first) in zip(follower.weight.value.floats(), start) { #expect(abs(found - first - 0.25) < 1e-6) }
        average.update(decay: 0.75)
        for (found, first) in zip(follower.weight.value.floats(), start) { #expect(abs(found - first - 0.4375) < 1e-6) }
        average.update(decay: 1)
        for (found, first) in zip(follower.weight.value.floats(), start) { #expect(abs(found - first - 0.4375) < 1e-6) }
        #expect(optimizer.stepCount == 0)
    }

    /// Rounding would wear away what never changes: `δx + (1 − δ)x` is not `x`.
    @Test func whatIsFrozenStaysToTheBit() {
        let (leader, follower) = (layer(1), layer(2))
        leader.bias?.isTrainable = false
        leader.bias?.value.assign(Tensor([0.1, 0.3] as [Float], [2]))
        let average = MovingAverage(follower, following: leader, skipsFrozen: true)
        leader.weight.value.assign(Tensor([Float](repeating: 1, count: 6), [2, 3]))
        for _ in 0..<1000 { average.update(decay: 0.9) }
        #expect(follower.bias?.value.floats() == leader.bias?.value.floats())
        #expect(follower.weight.value.floats().allSatisfy { abs($0 - 1) < 1e-5 })
    }

    @Test func runningStatisticsFollowToo() {
        let (leader, follower) = (BatchNorm(2), BatchNorm(2))
        let average = MovingAverage(follower, following: leader)
        leader.running.mean.assign(Tensor([4, 8] as [Float], [2]))
        average.update(decay: 0.5)
        #expect(follower.running.mean.floats() == [2, 4])
    }
}
