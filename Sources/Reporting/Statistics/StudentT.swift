import Foundation

/// Student's t distribution.
///
/// - Source: Abramowitz and Stegun 1964, 26.7.1 (the tail as an incomplete beta function), 26.5.8 (its continued fraction,
///   evaluated by Lentz's method).
public struct StudentT: Sendable, Equatable {
    public let degreesOfFreedom: Double

    public init(degreesOfFreedom: Double) {
        precondition(degreesOfFreedom > 0, "\(degreesOfFreedom) degrees of freedom")
        self.degreesOfFreedom = degreesOfFreedom
    }

    /// The chance of a value at least as far from zero as `t`, on either side.
    public func twoSidedTail(_ t: Double) -> Double {
        if t.isInfinite { return 0 }
        return Self.incompleteBeta(degreesOfFreedom / (degreesOfFreedom + t * t), degreesOfFreedom / 2, 0.5)
    }

    /// The value that a share `level` lies within, on both sides of zero: 4.30 for two degrees of freedom at 0.95.
    public func twoSidedQuantile(_ level: Double) -> Double {
        precondition(level > 0 && level < 1, "quantile at level \(level)")
        var (low, high) = (0.0, 1.0)
        while twoSidedTail(high) > 1 - level { high *= 2 }
        for _ in 0..<200 where low < high {
            let middle = (low + high) / 2
            if twoSidedTail(middle) > 1 - level { low = middle } else { high = middle }
        }
        return (low + high) / 2
    }

    /// `I_x(a, b)`.
    static func incompleteBeta(_ x: Double, _ a: Double, _ b: Double) -> Double {
        if x <= 0 { return 0 }
        if x >= 1 { return 1 }
        let scale: Double = lgamma(a + b) - lgamma(a) - lgamma(b)
        let front = exp(scale + a * log(x) + b * log(1 - x))
        // The fraction converges fast on one side of the mean; symmetry gives the other.
        return x < (a + 1) / (a + b + 2)
            ? front * continuedFraction(x, a, b) / a : 1 - front * continuedFraction(1 - x, b, a) / b
    }

    private static func continuedFraction(_ x: Double, _ a: Double, _ b: Double) -> Double {
        let tiny = 1e-300
        func kept(_ value: Double) -> Double { abs(value) < tiny ? tiny : value }
        var c = 1.0
        var d = 1 / kept(1 - (a + b) * x / (a + 1))
        var result = d
        for m in 1...10_000 {
            let k = Double(m)
            let step = a + 2 * k
            let even: Double = k * (b - k) * x / ((step - 1) * step)
            let odd: Double = -(a + k) * (a + b + k) * x / (step * (step + 1))
            for term in [even, odd] {
                d = 1 / kept(1 + term * d)
                c = kept(1 + term / c)
                result *= c * d
            }
            if abs(c * d - 1) < 1e-15 { break }
        }
        return result
    }
}
