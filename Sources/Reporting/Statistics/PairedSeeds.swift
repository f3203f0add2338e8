/// Two arms over the same seeds: what training noise alone would do to their difference.
///
///     d_s = a_s − b_s,  t = mean(d) / (sd(d) / √n),  n − 1 degrees of freedom
///
/// The seeds are what is sampled: the interval is for other seeds on the same test pictures, not for other pictures.
///
/// - Source: Student 1908, "The probable error of a mean"; multiple comparisons: Holm 1979.
public struct PairedSeeds: Sendable, Equatable {
    /// Mean of first minus second.
    public var difference: Double
    /// Sample standard deviation of the differences.
    public var standardDeviation: Double
    /// At 95 %.
    public var interval: Interval
    /// Two-sided.
    public var pValue: Double
    public var seedCount: Int

    /// - Parameters:
    ///   - first: one value a seed.
    ///   - second: of the same seeds in the same order.
    /// - Returns: `nil` for fewer than two seeds, or values that are not finite.
    public init?(_ first: [Double], _ second: [Double]) {
        precondition(first.count == second.count, "paired seeds: \(first.count) and \(second.count) values")
        let moments = Moments(zip(first, second).map { $0 - $1 })
        guard moments.mean.isFinite, let deviation = moments.standardDeviation, let error = moments.standardError
        else { return nil }
        let distribution = StudentT(degreesOfFreedom: Double(moments.count - 1))
        let half = distribution.twoSidedQuantile(0.95) * error
        difference = moments.mean
        standardDeviation = deviation
        interval = Interval(lower: moments.mean - half, upper: moments.mean + half, level: 0.95)
        // Equal differences leave no noise to measure against: no evidence where they are zero, certainty elsewhere.
        pValue = error > 0 ? distribution.twoSidedTail(moments.mean / error) : (moments.mean == 0 ? 1 : 0)
        seedCount = moments.count
    }

    public var method: String { "paired t test over \(seedCount) seeds" }

    /// P-values adjusted for asking several questions at once: `max` over the smaller ones of `(m − rank + 1) p`, at most 1.
    public static func holm(_ pValues: [Double]) -> [Double] {
        var adjusted = pValues
        var largest = 0.0
        for (rank, index) in pValues.indices.sorted(by: { pValues[$0] < pValues[$1] }).enumerated() {
            largest = max(largest, min(1, Double(pValues.count - rank) * pValues[index]))
            adjusted[index] = largest
        }
        return adjusted
    }
}
