import Determinism
import Foundation
import Testing

@testable import Reporting

@Suite struct StatisticsTests {
    @Test func momentsByHandAndWithoutCancellation() throws {
        let moments = Moments([2, 4, 4, 4, 5, 5, 7, 9])
        #expect(moments.mean == 5 && abs(moments.variance! - 32.0 / 7) < 1e-15)
        let shifted = Moments([1e9 + 4, 1e9 + 7, 1e9 + 13, 1e9 + 16])
        #expect(shifted.mean == 1e9 + 10 && shifted.variance == 30)
        #expect(Moments([3]).standardDeviation == nil && Moments([3, 3]).standardDeviation == 0)
    }

    /// numpy.percentile([1, 2, 3, 4], [0, 10, 25, 50, 97.5, 100])
    @Test func percentilesEqualNumpy() {
        let sorted: [Double] = [1, 2, 3, 4]
        let expected: [(Double, Double)] = [(0, 1), (0.1, 1.3), (0.25, 1.75), (0.5, 2.5), (0.975, 3.925), (1, 4)]
        for (fraction, value) in expected {
            #expect(abs(Percentile.value(ofSorted: sorted, at: fraction) - value) < 1e-12)
        }
        #expect(Percentile.median([3, 1, 2]) == 2 && Percentile.median([]) == nil)
    }

    @Test func drawsAreTheSameForEveryMetricAndThreadCount() {
        let bootstrap = Bootstrap(drawCount: 50, seed: 3)
        #expect(bootstrap.weights(draw: 4, itemCount: 10) == bootstrap.weights(draw: 4, itemCount: 10))
        #expect(bootstrap.weights(draw: 4, itemCount: 10) != bootstrap.weights(draw: 5, itemCount: 10))
        #expect((0..<50).allSatisfy { bootstrap.weights(draw: $0, itemCount: 17).reduce(0, +) == 17 })
        let before = Parallel.threadCount
        defer { Parallel.setThreadCount(before) }
        let metric: @Sendable ([UInt64]) -> Double? = { weights in Double(weights[0]) }
        Parallel.setThreadCount(1)
        let one = bootstrap.samples(itemCount: 9, metric: metric)
        Parallel.setThreadCount(3)
        #expect(bootstrap.samples(itemCount: 9, metric: metric) == one)
    }

    /// The bootstrap error of a mean is √((n−1)/n) · s/√n up to the noise of 4000 draws, about 1.1 %.
    @Test func bootstrapErrorOfAMeanIsTheKnownOne() throws {
        var stream = RandomStream(seed: 1, purpose: "values")
        let values = (0..<100).map { _ in stream.normal() }
        let estimate = try #require(
            Bootstrap(drawCount: 4000, seed: 2).estimate(itemCount: 100) { weights in
                zip(weights, values).reduce(0.0) { $0 + Double($1.0) * $1.1 } / 100
            })
        let moments = Moments(values)
        let expected = moments.standardError! * (99.0 / 100).squareRoot()
        #expect(abs(estimate.standardError / expected - 1) < 0.05)
        #expect(abs((estimate.interval.upper - estimate.interval.lower) / (2 * 1.96 * expected) - 1) < 0.08)
        #expect(estimate.interval.contains(moments.mean))
    }

    @Test func undefinedDrawsAreCountedNotGuessed() throws {
        let bootstrap = Bootstrap(drawCount: 200, seed: 2)
        let estimate = try #require(
            bootstrap.estimate(itemCount: 3) { $0[0] == 0 ? nil : Double($0[1]) })
        #expect(estimate.method.contains("undefined draws left out"))
        #expect(bootstrap.estimate(itemCount: 3) { _ in nil } == nil)
        #expect(bootstrap.estimate(itemCount: 1) { _ in 1 } == nil)
    }

    @Test func pairingRemovesWhatBothRunsShare() throws {
        var stream = RandomStream(seed: 8, purpose: "pairs")
        let hard = (0..<60).map { _ in stream.normal() }
        let bootstrap = Bootstrap(drawCount: 500, seed: 0)
        @Sendable func mean(_ values: [Double], _ weights: [UInt64]) -> Double {
            zip(weights, values).reduce(0.0) { $0 + Double($1.0) * $1.1 } / Double(values.count)
        }
        let easier = hard.map { $0 + 0.1 }
        let difference = try #require(
            bootstrap.difference(itemCount: 60) {
                mean(easier, $0)
            } of: {
                mean(hard, $0)
            })
        #expect(abs(difference.difference - 0.1) < 1e-12 && difference.isEvident)
        #expect(difference.verdict == "the first is higher" && difference.pValue == 2.0 / 501)
        let single = try #require(bootstrap.estimate(itemCount: 60) { mean(easier, $0) })
        #expect(single.interval.contains(Moments(hard).mean), "unpaired, the difference drowns in the spread of items")
    }

    /// Wilson intervals of R's binom.confint(x, n, methods = "wilson").
    @Test func wilsonIntervals() throws {
        let half = try #require(Proportion(successes: 5, count: 10).interval)
        #expect(abs(half.lower - 0.2365931) < 1e-6 && abs(half.upper - 0.7634069) < 1e-6)
        let all = try #require(Proportion(successes: 10, count: 10).interval)
        #expect(abs(all.lower - 0.7224672) < 1e-6 && all.upper == 1)
        #expect(Proportion(successes: 0, count: 0).value == nil)
    }

    @Test func seedsAreSummarised() throws {
        let summary = try #require(SeedSummary([0.4, 0.5, 0.6]))
        #expect(summary.text(digits: 2) == "0.50 ± 0.10 (3 seeds)")
        #expect(SeedSummary([0.5])?.text(digits: 1) == "0.5 (1 seed)")
        #expect(SeedSummary([]) == nil && SeedSummary([.nan]) == nil)
    }
}

@Suite struct BiasCorrectionTests {
    /// scipy.stats.norm 1.17.1: cdf and ppf.
    @Test func theNormalDistributionEqualsScipy() {
        #expect(abs(StandardNormal.share(below: -1.5) - 0.06680720126885807) < 1e-15)
        #expect(abs(StandardNormal.share(below: 0.8) - 0.7881446014166034) < 1e-15)
        #expect(abs(StandardNormal.quantile(0.975) - StandardNormal.quantile975) < 1e-12)
        #expect(abs(StandardNormal.quantile(0.2) + 0.8416212335729143) < 1e-12)
        #expect(abs(StandardNormal.quantile(0.5)) < 1e-12)
    }

    /// A mean with a bias of `n^−order` put on top: the sum of squared weights is `n` of the sample and about `2n` of a draw, as if
    /// half the items were there. The interval lies around the mean alone.
    @Test(arguments: [0.5, 1]) func aBiasOfKnownOrderIsTakenOff(order: Double) throws {
        var stream = RandomStream(seed: 4, purpose: "values")
        let values = (0..<200).map { _ in stream.normal() }
        let metric: @Sendable ([UInt64]) -> Double? = { weights in
            let squares = weights.reduce(0.0) { $0 + Double($1 * $1) } / (200 * 200)
            return zip(weights, values).reduce(0.0) { $0 + Double($1.0) * $1.1 } / 200 + pow(squares, order)
        }
        let found = try #require(
            Bootstrap(drawCount: 4000, seed: 2).estimate(itemCount: 200, biasOrder: order, metric: metric))
        let moments = Moments(values)
        let centre = (found.interval.lower + found.interval.upper) / 2
        #expect(abs(centre - moments.mean) < 0.1 * found.standardError)
        #expect(abs(found.interval.upper - centre - 1.96 * found.standardError) < 1e-4)
    }

    @Test func theIntervalHoldsTheValueHoweverFarTheDrawsLie() throws {
        let found = try #require(
            Bootstrap(drawCount: 100).estimate(itemCount: 50, biasOrder: 1) { $0.allSatisfy { $0 == 1 } ? 0.2 : 0.3 })
        #expect(found.standardError < 1e-12 && abs(found.interval.lower - 0.1) < 1e-12 && found.interval.upper == 0.2)
    }

    @Test func intervalsOfFractionsStayInside() {
        func interval(_ unit: MetricValue.Unit) -> Interval? {
            var value = MetricValue(
                name: "x", value: 0.5, unit: unit, direction: .higherIsBetter, sampleCount: 3)
            value.attach(
                SampledError(
                    standardError: 1, interval: Interval(lower: -1, upper: 2, level: 0.95), method: "by hand"))
            return value.interval
        }
        #expect(interval(.fraction) == Interval(lower: 0, upper: 1, level: 0.95))
        #expect(interval(.number) == Interval(lower: -1, upper: 2, level: 0.95))
    }
}
