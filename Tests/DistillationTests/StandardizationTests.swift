import Autograd
import Determinism
import NeuralLayers
import TensorCore
import Testing

@testable import Distillation

struct StandardizationTests {
    private func deviations(_ x: Tensor) -> [Double] {
        let (values, columns) = (x.doubles(), x.shape[x.rank - 1])
        let rows = values.count / columns
        return (0..<columns).map { c in
            let column = (0..<rows).map { values[$0 * columns + c] }
            let mean = column.reduce(0, +) / Double(rows)
            return (column.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(rows)).squareRoot()
        }
    }

    @Test func statisticsConvergeToThoseOfTheData() {
        let (means, spreads) = ([3.0, -1, 0.2, 10], [0.5, 2, 1, 4.0])
        let standardizer = TargetStandardizer(.zScore(), channels: 4)
        var stream = RandomStream(seed: 1, purpose: "targets")
        var pooled: [Double] = []
        for batch in 0..<200 {
            // Batches drift, so the spread between them is part of the whole.
            let drift = batch % 2 == 0 ? 0.5 : -0.5
            let values = (0..<32 * 4).map { means[$0 % 4] + spreads[$0 % 4] * (stream.normal() + drift) }
            pooled += values
            _ = standardizer.standardized(Tensor(values, [8, 4, 4]), .training)
        }
        let statistics = standardizer.statistics!
        #expect(statistics.updateCount == 200)
        let all = Tensor(pooled, [6400, 4])
        let exact = deviations(all)
        for c in 0..<4 {
            let mean = (0..<6400).reduce(0) { $0 + pooled[$1 * 4 + c] } / 6400
            #expect(abs(statistics.mean.doubles()[c] - mean) < 1e-3 * spreads[c])
            #expect(abs(statistics.variance.doubles()[c].squareRoot() - exact[c]) < 1e-3 * exact[c])
            #expect(abs(mean - means[c]) < 0.06 * spreads[c])
            #expect(abs(exact[c] / spreads[c] - 1.25.squareRoot()) < 0.05)
        }
        // The floor does not touch these channels: the result is standard.
        let before = statistics.mean.doubles()
        for spread in deviations(standardizer.standardized(all, .evaluation)) { #expect(abs(spread - 1) < 1e-3) }
        #expect(statistics.mean.doubles() == before && statistics.updateCount == 200)
    }

    @Test func aConstantChannelStaysSmall() {
        let values = normals([64, 6], seed: 3).doubles().enumerated().map { $0 % 6 == 2 ? 5 + 1e-4 * $1 : $1 }
        let targets = Tensor(values, [64, 6])
        let guarded = deviations(TargetStandardizer(.zScore(), channels: 6).standardized(targets, .training))
        let bare = deviations(
            TargetStandardizer(.zScore(relativeFloor: 0), channels: 6).standardized(targets, .training))
        #expect(guarded[2] < 0.002)
        #expect(abs(bare[2] - 1) < 0.05)
        for c in [0, 1, 3, 4, 5] { #expect(abs(guarded[c] - 1) < 1e-3) }
        let dead = TargetStandardizer(.zScore(relativeFloor: 0), channels: 2).standardized(
            Tensor([Double](repeating: 0, count: 8), [4, 2]), .training)
        #expect(dead.doubles() == [Double](repeating: 0, count: 8))
    }

    @Test func aClassTokenThatHardlyVariesStaysSmall() {
        // Every channel is about ±1 for every picture, give or take 0.02: MAE's class token.
        let values = normals([64, 8], seed: 4).doubles().enumerated().map { ($0 % 2 == 0 ? 1.0 : -1.0) + 0.02 * $1 }
        let targets = Tensor(values, [64, 8])
        let standardizer = TargetStandardizer(.zScore(), channels: 8)
        let spreads = deviations(standardizer.standardized(targets, .training))
        #expect(abs(standardizer.statistics!.scale - 1) < 0.01)
        for spread in spreads { #expect(spread > 0.1 && spread < 0.3) }
        let bare = TargetStandardizer(.zScore(relativeFloor: 0), channels: 8).standardized(targets, .training)
        for spread in deviations(bare) { #expect(abs(spread - 1) < 1e-2) }
    }

    @Test func momentumFallsFromOne() {
        let average = StatisticsMomentum.runningAverage(final: 0.01)
        #expect([0, 1, 3, 99, 5000].map { average($0) } == [1, 0.5, 0.25, 0.01, 0.01])
        let cosine = StatisticsMomentum.cosine(final: 0.001, updates: 100)
        #expect(cosine(0) == 1 && abs(cosine(50) - 0.5005) < 1e-9 && abs(cosine(100) - 0.001) < 1e-12)
        #expect(abs(cosine(900) - 0.001) < 1e-12)
        #expect(StatisticsMomentum.constant(0.1)(0) == 1 && StatisticsMomentum.constant(0.1)(1) == 0.1)
    }

    @Test func kindsWithoutStatistics() {
        let targets = normals([5, 4], seed: 5)
        let plain = TargetStandardizer(.none, channels: 4)
        #expect(plain.standardized(targets, .training).doubles() == targets.doubles() && plain.stateEntries().isEmpty)
        let rows = TargetStandardizer(.layerNorm, channels: 4).standardized(targets, .training).doubles()
        for row in 0..<5 {
            let values = Array(targets.doubles()[row * 4..<row * 4 + 4])
            let mean = values.reduce(0, +) / 4
            let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 4
            for c in 0..<4 {
                #expect(abs(rows[row * 4 + c] - (values[c] - mean) / (variance + 1e-6).squareRoot()) < 1e-9)
            }
        }
    }

    @Test func statisticsAreSavedAndBrokenBatchesLeftOut() throws {
        let first = TargetStandardizer(.zScore(), channels: 3)
        for seed in 0..<4 { _ = first.standardized(normals([9, 3], seed: UInt64(seed)), .training) }
        let state = first.state()
        #expect(state.keys.sorted() == ["statistics.mean", "statistics.updates", "statistics.variance"])
        let second = TargetStandardizer(.zScore(), channels: 3)
        try second.load(state, from: "test")
        let next = normals([9, 3], seed: 77)
        #expect(first.standardized(next, .training).doubles() == second.standardized(next, .training).doubles())
        #expect(second.statistics!.updateCount == 5)
        let kept = second.statistics!.mean.doubles()
        _ = second.standardized(Tensor([Double.nan, 1, 2], [1, 3]), .training)
        #expect(second.statistics!.mean.doubles() == kept && second.statistics!.updateCount == 5)
    }
}
