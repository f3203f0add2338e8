/// The tolerances of the engine's tests, each with its reason. Widening one needs the measured error in the commit
/// message.
public enum Tolerance {
    /// Central differences: rounding of a projected sum of about 1e3 terms, 1e3 · 1e-16 / 6e-6 ≈ 2e-8, on gradients
    /// of size 1, judged against a floor of a hundredth of the largest.
    public static let gradientCheck = 1e-6

    /// Differences of a whole model's loss along directions of length 1: rounding of a loss of size 1 after some thousand sums,
    /// 1e-15 / 1e-5 = 1e-10, against slopes of 1e-4 and more; truncation is below 1e-8.
    public static let directionalCheck = 2e-6

    /// A twin in Double: both sides round a few thousand sums at 1.1e-16 each.
    public static let twinDouble = 1e-11

    /// Half the distance from 1 to the next float: the relative error of one rounding.
    public static let roundingSingle = Double(Float.ulpOfOne) / 2

    /// A golden made in Double by another implementation, on values of size 1.
    public static let goldenDouble = 1e-10

    /// The bound of a dot product of `terms` products: |Δ| ≤ terms · u · Σ|aᵢbᵢ| (Higham 2002, §3.1), u one rounding.
    public static func dotProduct(terms: Int, magnitude: Double) -> Double {
        Double(terms + 2) * roundingSingle * magnitude
    }
}
