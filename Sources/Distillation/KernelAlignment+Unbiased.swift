import Autograd
import TensorCore

extension KernelAlignment {
    /// Features prepared for many unbiased alignments: what depends on one set alone.
    public struct UnbiasedFeatures {
        /// `(n, d)` f64, centred.
        fileprivate let rows: Tensor
        /// `‖xᵢ‖²`, the Gram matrix's diagonal.
        fileprivate let diagonal: [Double]
        /// Row sums of the Gram matrix with its diagonal set to zero, and their sum.
        fileprivate let sums: [Double]
        fileprivate let total: Double
        /// `HSIC₁` of the set with itself; nil where it does not vary enough to be told from noise.
        fileprivate private(set) var own: Double?

        /// - Parameter x: `(n, d)`; f32, f64 or bf16.
        /// - Precondition: at least four rows: the estimator is not defined below.
        public init(_ x: Tensor) {
            precondition(x.rank == 2 && x.shape[0] >= 4, "unbiased kernel alignment of \(x.shape)")
            let (n, d) = (x.shape[0], x.shape[1])
            rows = KernelAlignment.centred(x)
            let values = rows.f64()
            var (diagonal, column) = ([Double](repeating: 0, count: n), [Double](repeating: 0, count: d))
            for row in 0..<n {
                for channel in 0..<d {
                    let value = values[row * d + channel]
                    diagonal[row] += value * value
                    column[channel] += value
                }
            }
            var sums = diagonal.map { -$0 }
            for row in 0..<n {
                for channel in 0..<d { sums[row] += values[row * d + channel] * column[channel] }
            }
            self.diagonal = diagonal
            self.sums = sums
            total = sums.reduce(0, +)
            let itself = KernelAlignment.independence(self, self)
            own = itself > 0 && KernelAlignment.varies(rows, of: x) ? itself : nil
        }
    }

    /// Linear kernel alignment with the unbiased estimator of the Hilbert–Schmidt independence criterion, in Double:
    ///
    ///     HSIC₁(K, L) / √(HSIC₁(K, K) · HSIC₁(L, L))
    ///
    /// About 0 for independent features however few the inputs are, where `linear` tends to 1; it may be a little below 0.
    ///
    /// - Returns: `nil` where a set does not vary.
    /// - Precondition: the same inputs in the same order.
    /// - Source: Nguyen, Raghu, Kornblith 2021, arXiv:2010.15327, §3; Song et al. 2012, JMLR 13, equation 5.
    public static func unbiased(_ x: UnbiasedFeatures, _ y: UnbiasedFeatures) -> Double? {
        guard let a = x.own, let b = y.own else { return nil }
        return independence(x, y) / (a * b).squareRoot()
    }

    ///     HSIC₁ = (tr(K̃ L̃) + 1ᵀK̃1 · 1ᵀL̃1 / ((n−1)(n−2)) − 2 · 1ᵀK̃L̃1 / (n−2)) / (n (n−3))
    ///
    /// with K̃, L̃ the Gram matrices without their diagonals. No Gram matrix is made: `tr(KL) = ‖YᵀX‖²`.
    fileprivate static func independence(_ x: UnbiasedFeatures, _ y: UnbiasedFeatures) -> Double {
        precondition(
            x.diagonal.count == y.diagonal.count,
            "kernel alignment of \(x.diagonal.count) and \(y.diagonal.count) inputs")
        let n = Double(x.diagonal.count)
        let cross = crossProduct(x.rows, y.rows)
        var trace = squaredNorm(cross)
        var shared = 0.0
        for row in x.diagonal.indices {
            trace -= x.diagonal[row] * y.diagonal[row]
            shared += x.sums[row] * y.sums[row]
        }
        let means = x.total * y.total / ((n - 1) * (n - 2))
        return (trace + means - 2 * shared / (n - 2)) / (n * (n - 3))
    }
}
