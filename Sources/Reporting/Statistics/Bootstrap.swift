import Determinism

/// Errors of metrics by resampling items (images, as a rule) with replacement.
///
/// Draw `d` gives each of the `n` items a weight, the number of times it was drawn; a metric is recomputed from the
/// weights. Draws depend on `(seed, d, n)` alone, so a metric of two runs over the same images sees the same draws
/// (paired), and results do not depend on the number of threads.
///
/// - Source: Efron and Tibshirani 1993, "An Introduction to the Bootstrap", §§6, 13.
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

    /// The standard error and bias-corrected percentile interval of a metric.
    ///
    /// - Parameters:
    ///   - itemCount: number of items `n`.
    ///   - metric: the metric of a data set in which item `i` occurs `weights[i]` times; `nil` where undefined.
    /// - Returns: `nil` when fewer than two items exist or fewer than half the draws are defined.
    public func estimate(itemCount: Int, metric: @Sendable ([UInt64]) -> Double?) -> SampledError? {
        estimates(itemCount: itemCount) { [metric($0)] }.first ?? nil
    }

    /// ``estimate(itemCount:metric:)`` of several metrics that are computed together, on the same draws.
    public func estimates(itemCount: Int, metrics: @Sendable ([UInt64]) -> [Double?]) -> [SampledError?] {
        guard itemCount > 1 else { return [] }
        let whole = metrics([UInt64](repeating: 1, count: itemCount))
        let draws = draws(itemCount, metrics)
        return whole.indices.map { metric in error(of: draws.map { $0[metric] }, estimate: whole[metric]) }
    }

    private func error(of samples: [Double?], estimate: Double?) -> SampledError? {
        let defined = samples.compactMap { $0 }
        guard defined.count >= 2, 2 * defined.count >= samples.count else { return nil }
        var method = "bootstrap over \(items), \(drawCount) draws, seed \(seed)"
        if defined.count < samples.count { method += ", \(samples.count - defined.count) undefined draws left out" }
        return SampledError(
            standardError: Moments(defined).standardDeviation ?? 0,
            interval: estimate.map { Percentile.biasCorrected(defined, estimate: $0, level: level) }
                ?? Percentile.interval(defined, level: level), method: method)
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
