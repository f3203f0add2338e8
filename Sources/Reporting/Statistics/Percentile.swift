/// Percentiles of samples.
public enum Percentile {
    /// The value at `fraction` of the sorted samples, linear between neighbours (numpy's default, Hyndman–Fan type 7).
    ///
    /// - Parameters:
    ///   - sorted: ascending, not empty.
    ///   - fraction: 0...1.
    public static func value(ofSorted sorted: [Double], at fraction: Double) -> Double {
        precondition(!sorted.isEmpty && (0...1).contains(fraction), "percentile \(fraction) of \(sorted.count) samples")
        let position = fraction * Double(sorted.count - 1)
        let low = Int(position)
        let high = min(low + 1, sorted.count - 1)
        return sorted[low] + (position - Double(low)) * (sorted[high] - sorted[low])
    }

    /// The middle value, or the mean of the two middle values; `nil` for no samples.
    public static func median(_ values: [Double]) -> Double? {
        values.isEmpty ? nil : value(ofSorted: values.sorted(), at: 0.5)
    }

    /// The interval of a bootstrap whose draws do not lie around the estimate: with `z₀` the normal quantile of the share of
    /// draws below it, from the share `Φ(2 z₀ − z)` of the draws to `Φ(2 z₀ + z)`. Without bias the central interval.
    ///
    /// AP of a draw is too high, as AP of few images is: central intervals lie above the truth.
    ///
    /// - Parameter estimate: of all items, each once.
    /// - Source: Efron 1981, "Nonparametric standard errors and confidence intervals", §7 (the bias-corrected percentile method).
    public static func biasCorrected(_ samples: [Double], estimate: Double, level: Double) -> Interval {
        let sorted = samples.sorted()
        let count = Double(samples.count)
        let below = Double(samples.count { $0 < estimate }) + Double(samples.count { $0 == estimate }) / 2
        let bias = 2 * StandardNormal.quantile(min(max(below, 0.5), count - 0.5) / count)
        let half = StandardNormal.quantile((1 + level) / 2)
        return Interval(
            lower: value(ofSorted: sorted, at: StandardNormal.share(below: bias - half)),
            upper: value(ofSorted: sorted, at: StandardNormal.share(below: bias + half)), level: level)
    }

    /// The central interval that holds `level` of the samples.
    public static func interval(_ samples: [Double], level: Double) -> Interval {
        let sorted = samples.sorted()
        let tail = (1 - level) / 2
        return Interval(
            lower: value(ofSorted: sorted, at: tail), upper: value(ofSorted: sorted, at: 1 - tail), level: level)
    }
}
