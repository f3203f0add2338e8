import Foundation

/// The standard normal distribution.
public enum StandardNormal {
    /// The 97.5 % point.
    public static let quantile975 = 1.959963984540054

    /// The chance of a value below `z`.
    public static func share(below z: Double) -> Double { erfc(-z / 2.0.squareRoot()) / 2 }

    /// The value that a share in 0...1 of draws lies below; ±8.3 for shares that no Double tells from 0 and 1.
    public static func quantile(_ share: Double) -> Double {
        var (low, high) = (-8.3, 8.3)
        for _ in 0..<60 {
            let middle = (low + high) / 2
            if self.share(below: middle) < share { low = middle } else { high = middle }
        }
        return (low + high) / 2
    }

    /// The chance of a value at least as far from zero as `z`, on either side.
    public static func twoSidedTail(_ z: Double) -> Double { erfc(abs(z) / 2.0.squareRoot()) }
}

/// The difference of two numbers whose errors are independent.
///
///     d = a − b,  s = √(s_a² + s_b²),  interval d ± 1.96 s
///
/// For runs over the same images it is too wide: what is hard for both does not cancel.
public struct UnpairedDifference: Sendable, Equatable {
    /// First minus second.
    public var difference: Double
    public var standardError: Double
    /// At 95 %.
    public var interval: Interval
    /// Two-sided, from the normal approximation.
    public var pValue: Double

    public static let method = "unpaired, from both standard errors, normal approximation"

    /// - Returns: nil where a value or standard error is missing, or both errors are 0: at a boundary they say nothing.
    public init?(_ first: MetricValue, _ second: MetricValue) {
        guard let a = first.value, let b = second.value, let errorOfA = first.standardError,
            let errorOfB = second.standardError, errorOfA > 0 || errorOfB > 0
        else { return nil }
        difference = a - b
        standardError = (errorOfA * errorOfA + errorOfB * errorOfB).squareRoot()
        let half = StandardNormal.quantile975 * standardError
        interval = Interval(lower: difference - half, upper: difference + half, level: 0.95)
        pValue = StandardNormal.twoSidedTail(difference / standardError)
    }
}
