import Autograd
import Communication
import TensorCore
import TestSupport
import Testing

/// A group of two ranks that hold the same batch: every sum doubles.
private struct Twins: Communicator {
    var rank: Int { 0 }
    var size: Int { 2 }
    func allReduceSum(_ values: UnsafeMutablePointer<Float>, count: Int) { for i in 0..<count { values[i] *= 2 } }
    func allReduceSum(_ values: UnsafeMutablePointer<Double>, count: Int) { for i in 0..<count { values[i] *= 2 } }
    func gather(_ bytes: [UInt8]) -> [[UInt8]] { [bytes, bytes] }
    func barrier() {}
}

@Suite struct BatchNormTests {
    private func run(
        _ x: Tensor, _ running: BatchNormStatistics, _ projection: Tensor, _ group: any Communicator
    ) -> (y: [Double], dx: [Double]) {
        let y = Variable(x).batchNorm(nil, nil, running: running, training: true, group: group).value.doubles()
        let other = BatchNormStatistics(channels: 5, dtype: .f64)
        let gradient = GradientCheck.gradients([x], projection: projection) {
            $0[0].batchNorm(nil, nil, running: other, training: true, group: group)
        }
        return (y, gradient[0].doubles())
    }

    /// Two ranks with one batch each give what one rank gives with both.
    @Test func twoRanksGiveWhatOneGivesWithBothBatches() {
        var maker = TensorMaker("ranks")
        let (x, projection) = (maker.normal(4, 5), maker.normal(4, 5))
        let twice = Variable.concatenated([Variable(x), Variable(x)], axis: 0).value
        let both = Variable.concatenated([Variable(projection), Variable(projection)], axis: 0).value
        let (alone, group) = (
            BatchNormStatistics(channels: 5, dtype: .f64), BatchNormStatistics(channels: 5, dtype: .f64)
        )
        let whole = run(twice, alone, both, SingleProcess())
        let half = run(x, group, projection, Twins())
        for (found, expected) in [
            (half.y, Array(whole.y.prefix(20))), (half.dx, Array(whole.dx.prefix(20))),
            (group.mean.doubles(), alone.mean.doubles()), (group.variance.doubles(), alone.variance.doubles()),
        ] {
            let difference = Comparison(found, expected, tolerance: Tolerance.twinDouble)
            #expect(difference.isWithinBounds, "\(difference)")
        }
    }

    @Test func aBatchThatIsNotFiniteLeavesTheRunningValues() {
        for spoiled in [Float.nan, .infinity, -.infinity] {
            let running = BatchNormStatistics(channels: 2)
            _ = Variable(Tensor([1, 2, 3, 6] as [Float], [2, 2])).batchNorm(nil, nil, running: running, training: true)
            let (mean, variance) = (running.mean.floats(), running.variance.floats())
            #expect(mean != [0, 0])
            _ = Variable(Tensor([1, 2, spoiled, 6] as [Float], [2, 2])).batchNorm(
                nil, nil, running: running, training: true)
            #expect(running.mean.floats() == mean && running.variance.floats() == variance)
        }
    }

    @Test func evaluationLeavesTheRunningValuesAlone() {
        var maker = TensorMaker("evaluation")
        let running = BatchNormStatistics(channels: 5, dtype: .f64)
        _ = Variable(maker.normal(4, 5)).batchNorm(nil, nil, running: running, training: false)
        #expect(running.mean.doubles() == [0, 0, 0, 0, 0] && running.variance.doubles() == [1, 1, 1, 1, 1])
    }
}
