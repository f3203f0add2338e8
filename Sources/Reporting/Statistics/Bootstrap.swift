import Determinism
import Foundation

/// Errors of metrics by resampling items (images, as a rule) with replacement.
///
/// Draw `d` gives each of the `n` items a weight, the number of times it was drawn; a metric is recomputed from the
/// weights. Draws depend on `(seed, d, n)` alone, so a metric of two runs over the same images sees the same draws
/// (paired), and results do not depend on the number of threads.
///
/// The interval of a smooth metric holds the middle of the draws: its bias falls as `1/n`, faster than the standard error, and to
/// estimate it would add noise. A metric whose bias falls as slowly as the error has the normal interval around the value less
/// its bias. A draw tells as much as half the items do (its variance comes on top of the sample's), so with a bias of `n^−order`
///
///     mean of draws − value = bias(n/2) − bias(n) = (2^order − 1) bias(n)
///     interval              = value − bias ± z · standard error
///
/// AP takes the best precision at a recall or above; its order is ½ (`Documentation/Statistics.md` has the measurement).
///
/// - Source: Efron and Tibshirani 1993, "An Introduction to the Bootstrap", §§6, 10, 13; Davison and Hinkley 1997, "Bootstrap
///   Methods and their Application", eq. 5.5 (R's `boot.ci(type = "norm")`); biases of other orders: Schucany, Gray and Owen 1971,
///   "On bias reduction in estimation".
public struct Bootstrap: Sendable {
    public let drawCount: Int
    public let seed: UInt64
    public let level: Double
    /// What is resampled, for `errorMethod`: "images".
    public let items: String

    public init(drawCount: Int = 1000, seed: UInt64 = 0, level: Double = 0.95, items: String = "images") {
        precondition(drawCount >= 2 && level > 0 && level < 1, "bootstrap: \(drawCount) draws, level \(level)")
        self.drawCount = drawCount
        self.seed = seed
        self.level = level
        self.items = items
    }

    /// How often each of `itemCount` items occurs in draw `draw`; the weights sum to `itemCount`.
    public func weights(draw: Int, itemCount: Int) -> [UInt64] {
        var stream = RandomStream(seed: seed, purpose: "bootstrap", UInt64(draw), UInt64(itemCount))
        var weights = [UInt64](repeating: 0, count: itemCount)
        for _ in 0..<itemCount { weights[stream.int(below: itemCount)] += 1 }
        return weights
    }

    /// The metric on each draw, in order; `nil` where it was undefined.
    public func samples(itemCount: Int, metric: @Sendable ([UInt64]) -> Double?) -> [Double?] {
        draws(itemCount) { [metric($0)] }.map { $0[0] }
    }

    /// What `body` makes of each draw, in order.
    private func draws(_ itemCount: Int, _ body: @Sendable ([UInt64]) -> [Double?]) -> [[Double?]] {
        guard itemCount > 0 else { return [] }
        var results = [[Double?]](repeating: [], count: drawCount)
        results.withUnsafeMutableBufferPointer { out in
            nonisolated(unsafe) let out = out
            Parallel.forEach(drawCount) { draw in out[draw] = body(weights(draw: draw, itemCount: itemCount)) }
        }
        return results
    }

    /// The standard error and interval of a metric.
    ///
    /// - Parameters:
    ///   - itemCount: number of items `n`.
    ///   - biasOrder: of a metric whose bias falls as `n^−order`; nil of one whose bias is small beside its error.
    ///   - metric: the metric of a data set in which item `i` occurs `weights[i]` times; `nil` where undefined.
    /// - Returns: `nil` when fewer than two items exist or fewer than half the draws are defined.
    public func estimate(
        itemCount: Int, biasOrder: Double? = nil, metric: @Sendable ([UInt64]) -> Double?
    ) -> SampledError? {
        estimates(itemCount: itemCount, biasOrder: biasOrder) { [metric($0)] }.first ?? nil
    }

    /// ``estimate(itemCount:biasOrder:metric:)`` of several metrics that are computed together, on the same draws.
    public func estimates(
        itemCount: Int, biasOrder: Double? = nil, metrics: @Sendable ([UInt64]) -> [Double?]
    ) -> [SampledError?] {
        guard itemCount > 1 else { return [] }
        let whole = metrics([UInt64](repeating: 1, count: itemCount))
        let draws = draws(itemCount, metrics)
        return whole.indices.map { metric in
            whole[metric].flatMap { error(of: draws.map { $0[metric] }, value: $0, biasOrder: biasOrder) }
        }
    }

    private func error(of samples: [Double?], value: Double, biasOrder: Double?) -> SampledError? {
        let defined = samples.compactMap { $0 }
        guard defined.count >= 2, 2 * defined.count >= samples.count else { return nil }
        var method = "bootstrap over \(items), \(drawCount) draws, seed \(seed)"
        if defined.count < samples.count { method += ", \(samples.count - defined.count) undefined draws left out" }
        let moments = Moments(defined)
        let error = moments.standardDeviation ?? 0
        let interval = biasOrder.map { order in
            self.interval(value: value, bias: (moments.mean - value) / (exp2(order) - 1), standardError: error)
        }
        return SampledError(
            standardError: error, interval: interval ?? Percentile.interval(defined, level: level), method: method)
    }

    /// Stretched to the value where the bias is larger than its half width: an interval holds the value that it stands beside.
    private func interval(value: Double, bias: Double, standardError: Double) -> Interval {
        let half = StandardNormal.quantile((1 + level) / 2) * standardError
        return Interval(
            lower: min(value, value - bias - half), upper: max(value, value - bias + half), level: level)
    }

    /// The difference `first − second` of a metric of two runs over the same items, on the same draws.
    ///
    /// - Returns: `nil` when either metric is undefined on the whole set or on more than half the draws.
    public func difference(
        itemCount: Int, _ first: @Sendable ([UInt64]) -> Double?, of second: @Sendable ([UInt64]) -> Double?
    ) -> PairedDifference? {
        differences(itemCount: itemCount, { [first($0)] }, of: { [second($0)] }).first ?? nil
    }

    /// ``difference(itemCount:_:of:)`` of several metrics that are computed together, on the same draws.
    public func differences(
        itemCount: Int, _ first: @Sendable ([UInt64]) -> [Double?], of second: @Sendable ([UInt64]) -> [Double?]
    ) -> [PairedDifference?] {
        guard itemCount > 1 else { return [] }
        @Sendable func subtract(_ weights: [UInt64]) -> [Double?] {
            zip(first(weights), second(weights)).map { a, b in a.flatMap { a in b.map { a - $0 } } }
        }
        let whole = subtract([UInt64](repeating: 1, count: itemCount))
        let draws = draws(itemCount, subtract)
        return whole.indices.map { metric in
            let samples = draws.compactMap { $0[metric] }
            guard let difference = whole[metric], samples.count >= 2, 2 * samples.count >= drawCount else { return nil }
            let notAbove = samples.count { $0 <= 0 }
            let notBelow = samples.count { $0 >= 0 }
            let pValue = min(1, 2 * Double(min(notAbove, notBelow) + 1) / Double(samples.count + 1))
            return PairedDifference(
                difference: difference, standardError: Moments(samples).standardDeviation ?? 0,
                interval: Percentile.interval(samples, level: level), pValue: pValue,
                method: "paired bootstrap over \(items), \(drawCount) draws, seed \(seed)")
        }
    }
}

/// The difference of two runs on the same items.
public struct PairedDifference: Sendable, Equatable {
    /// First minus second.
    public var difference: Double
    public var standardError: Double
    public var interval: Interval
    /// Two-sided, from the share of draws on the other side of zero; never below `2 / (draws + 1)`.
    public var pValue: Double
    public var method: String

    /// Whether the interval leaves zero out.
    public var isEvident: Bool { !interval.contains(0) }

    /// One sentence for reports.
    public var verdict: String {
        guard isEvident else { return "no evidence of a difference" }
        return difference > 0 ? "the first is higher" : "the first is lower"
    }
}
