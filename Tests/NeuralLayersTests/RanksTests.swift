import Autograd
import Communication
import Determinism
import NeuralLayers
import TensorCore
import TestSupport
import Testing

@Suite struct RanksTests {
    /// Stochastic depth drops the same pictures, wherever they are.
    @Test func pathsAreDroppedByThePlaceInTheWholeBatch() throws {
        @Sendable func outputs(_ group: any Communicator) -> [Double] {
            var stream = RandomStream(seed: 3, purpose: "ranks test")
            let block = TransformerBlock(width: 8, heads: 2, dropPath: 0.5, &stream)
            let x = Tensor((0..<6 * 3 * 8).map { _ in stream.normal() }, [6, 3, 8]).converted(to: .f32)
            let forward = Forward(mode: .training, seed: 5, group: group)
            return block(Variable(x.rows(group.share(of: 6))), forward).value.doubles()
        }
        let alone = outputs(SingleProcess())
        for size in [2, 3] {
            let found = try ThreadedRanks.run(size) { outputs($0) }.flatMap { $0 }
            let difference = Comparison(found, alone, tolerance: 1e-6)
            #expect(difference.isWithinBounds, "\(size) ranks: \(difference)")
        }
    }

    @Test func batchNormsAreThoseOfTheWholeBatch() throws {
        @Sendable func state(_ group: any Communicator) -> [Double] {
            let norm = BatchNorm(4)
            let x = Tensor((0..<8 * 4).map { Double(($0 * 37) % 19) }, [8, 4]).converted(to: .f32)
            let y = norm(Variable(x.rows(group.share(of: 8))), Forward(mode: .training, group: group)).value
            return group.gatheredRows(y).all.doubles() + norm.running.mean.doubles() + norm.running.variance.doubles()
        }
        let alone = state(SingleProcess())
        for found in try ThreadedRanks.run(4, { state($0) }) {
            let difference = Comparison(found, alone, tolerance: 1e-6)
            #expect(difference.isWithinBounds, "\(difference)")
        }
    }

    @Test func countsAreAveragedOverRanksAndNeverZero() throws {
        #expect(Forward.evaluation.meanCount(5) == 5 && Forward.evaluation.meanCount(0) == 1)
        let found = try ThreadedRanks.run(2) { group in
            let forward = Forward(mode: .training, group: group)
            return [forward.meanCount(group.rank * 3), forward.meanCount(0), Double(forward.firstPicture(of: 4))]
        }
        #expect(found == [[1.5, 0.5, 0], [1.5, 0.5, 4]])
    }
}
