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

    /// The central interval that holds `level` of the samples.
    public static func interval(_ samples: [Double], level: Double) -> Interval {
        let sorted = samples.sorted()
        let tail = (1 - level) / 2
        return Interval(
            lower: value(ofSorted: sorted, at: tail), upper: value(ofSorted: sorted, at: 1 - tail), level: level)
    }
}
