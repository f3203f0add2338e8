/// A share of independent yes/no items.
public struct Proportion: Sendable, Equatable {
    public var successes: Int
    public var count: Int

    public init(successes: Int, count: Int) {
        precondition(0 <= successes && successes <= count, "proportion: \(successes) of \(count)")
        self.successes = successes
        self.count = count
    }

    /// `successes / count`; `nil` of nothing.
    public var value: Double? { count > 0 ? Double(successes) / Double(count) : nil }

    /// `√(p(1−p)/n)`. Exactly 0 at p = 0 and 1: read the interval there.
    public var standardError: Double? {
        value.map { ($0 * (1 - $0) / Double(count)).squareRoot() }
    }

    /// Wilson's score interval at 95 %: never a point, never outside 0...1.
    ///
    /// - Source: Wilson 1927, JASA 22(158); z = 1.959964.
    public var interval: Interval? {
        guard let p = value else { return nil }
        let n = Double(count)
        let z = StandardNormal.quantile975
        let centre = (p + z * z / (2 * n)) / (1 + z * z / n)
        let half = z / (1 + z * z / n) * (p * (1 - p) / n + z * z / (4 * n * n)).squareRoot()
        return Interval(
            lower: successes == 0 ? 0 : max(0, centre - half), upper: successes == count ? 1 : min(1, centre + half),
            level: 0.95)
    }

    /// The share as a metric with its error and interval.
    public func metric(name: String) -> MetricValue {
        var result = MetricValue(
            name: name, value: value, unit: .fraction, direction: .higherIsBetter, sampleCount: count,
            undefinedReason: "no items")
        if let standardError, let interval {
            result.attach(
                SampledError(
                    standardError: standardError, interval: interval,
                    method: "binomial standard error, Wilson 95 % interval, n \(count)"))
        }
        return result
    }
}
