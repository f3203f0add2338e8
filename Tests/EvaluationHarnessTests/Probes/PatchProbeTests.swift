import Determinism
import Geometry
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
        #expect(PatchOracle.majority(map, grid: (2, 2), ignore: 9) == [1, -1, 3, 5])
    }

    @Test func tokensThatHoldTheLabelAreReadPerfectly() throws {
        let classes = 3
        func set(_ count: Int, seed: UInt64) -> (Tensor, [LabelImage]) {
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
            return (patches, maps)
        }
        let (train, labels) = set(40, seed: 1)
        let (test, truth) = set(10, seed: 2)
        let set = ProbeSet(
            store: TokenStore(train), inputs: Array(0..<40), grid: (2, 2), side: 4, classCount: classes,
            ignoreLabel: 255
        ) { labels[$0] }
        let fitted = try PatchProbe(batchSize: 64).fit(set, shouldStop: { false })
        for (index, wanted) in truth.enumerated() {
            let found = fitted.labels(
                of: test.rows(index..<index + 1).reshaped([4, 6]), grid: (2, 2), side: 2,
                output: ImageSize(height: 2, width: 2))
            #expect(found.values == [0, 2, 8, 10].map { wanted.values[$0] })
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
