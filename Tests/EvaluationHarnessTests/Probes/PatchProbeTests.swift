import Determinism
import ImageFiles
import TensorCore
import Testing
import VisionBackbones

@testable import EvaluationHarness

@Suite struct PatchProbeTests {
    @Test func majorityOfEachCell() {
        // A 4 x 4 map over a 2 x 2 grid: ties go to the lower label, ignored pixels do not vote.
        let map = LabelImage(
            height: 4, width: 4,
            values: [
                1, 1, 9, 9,
                2, 2, 9, 9,
                3, 9, 5, 4,
                3, 3, 5, 5,
            ])
        #expect(PatchProbe.majority(map, grid: (2, 2), ignore: 9) == [1, -1, 3, 5])
    }

    @Test func theLowerClassWinsAmongEqualLogits() {
        let logits = Tensor([0, 1, 1, 2, 2, 0] as [Float], [1, 1, 2, 3])
        #expect(PatchProbe.argMax(logits, height: 1, width: 2, classCount: 3).values == [1, 0])
    }

    @Test func tokensThatHoldTheLabelAreReadPerfectly() {
        let classes = 3
        func set(_ count: Int, seed: UInt64) -> (FrozenFeatures, [LabelImage]) {
            var stream = RandomStream(seed: seed, purpose: "tokens")
            var values: [Float] = []
            var maps: [LabelImage] = []
            for _ in 0..<count {
                let labels = (0..<4).map { _ in stream.int(below: classes) }
                for label in labels {
                    for channel in 0..<6 { values.append(Float(stream.normal() * 0.1 + (channel == label ? 5 : 3))) }
                }
                maps.append(
                    LabelImage(
                        height: 4, width: 4, values: (0..<16).map { UInt16(labels[$0 / 8 * 2 + $0 % 4 / 2]) }))
            }
            let patches = Tensor(values, [count, 4, 6])
            return (FrozenFeatures(classTokens: .zeros([count, 6]), patches: patches, grid: (2, 2)), maps)
        }
        let (train, labels) = set(40, seed: 1)
        let (test, truth) = set(10, seed: 2)
        var probe = PatchProbe()
        probe.batchSize = 64
        let found = probe.predictions(
            train: train, labels: labels, test: test, classCount: classes, ignore: 255, size: (2, 2))
        for (map, wanted) in zip(found, truth) {
            #expect(map.values == [0, 2, 8, 10].map { wanted.values[$0] })
        }
    }

    @Test func theOracleGivesEachPatchItsCommonestLabel() {
        // Two by two patches of two pixels; 9 is not scored.
        let map = LabelImage(
            height: 4, width: 4,
            values: [
                1, 1, 2, 0,
                1, 0, 0, 2,
                9, 9, 9, 3,
                9, 9, 3, 1,
            ])
        let found = PatchOracle.prediction(map, grid: (2, 2), ignore: 9)
        #expect(
            found.values == [
                1, 1, 0, 0,
                1, 1, 0, 0,
                0, 0, 3, 3,
                0, 0, 3, 3,
            ])
        // Patches that are pixels give every label back.
        let whole = PatchOracle.prediction(map, grid: (4, 4), ignore: 9)
        #expect(zip(whole.values, map.values).allSatisfy { $1 == 9 || $0 == $1 })
    }
}
