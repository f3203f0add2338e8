import Autograd
import TensorCore

/// How alike two sets of features of the same inputs are, whatever their widths.
public enum KernelAlignment {
    /// Linear centred kernel alignment, in Double, from 0 to 1:
    ///
    ///     ‖Yᵀ X‖² / (‖Xᵀ X‖ · ‖Yᵀ Y‖)     columns centred, Frobenius norms
    ///
    /// It ignores rotations and one common factor of either set, not a scaling of single channels. With fewer inputs
    /// than channels it is biased towards 1.
    ///
    /// - Parameters:
    ///   - x: `(n, d1)`; f32, f64 or bf16.
    ///   - y: `(n, d2)`, the same inputs in the same order.
    /// - Returns: `nil` when a set does not vary.
    /// - Source: Kornblith, Norouzi, Lee, Hinton 2019, arXiv:1905.00414, §3.
    public static func linear(_ x: Tensor, _ y: Tensor) -> Double? {
        precondition(
            x.rank == 2 && y.rank == 2 && x.shape[0] == y.shape[0], "kernel alignment of \(x.shape) and \(y.shape)")
        if x.shape[0] < 2 { return nil }
        let (a, b) = (centred(x), centred(y))
        guard varies(a, of: x), varies(b, of: y) else { return nil }
        // Both forms are equal; the one with the smaller matrices is used.
        let overChannels = max(x.shape[1], y.shape[1]) <= x.shape[0]
        return overChannels ? byChannels(a, b) : bySamples(a, b)
    }

    static func byChannels(_ a: Tensor, _ b: Tensor) -> Double? {
        let cross = crossProduct(a, b)
        return ratio(dot(cross, cross), squaredNorm(crossProduct(a, a)), squaredNorm(crossProduct(b, b)))
    }

    static func bySamples(_ a: Tensor, _ b: Tensor) -> Double? {
        let (k, l) = (gram(a), gram(b))
        return ratio(dot(k, l), squaredNorm(k), squaredNorm(l))
    }

    static func centred(_ x: Tensor) -> Tensor {
        let (rows, columns, wide) = (x.shape[0], x.shape[1], widened(x))
        let sums = Elementwise.columnSums(wide, rows: rows, columns: columns)
        return Variable(wide).addingRows(Variable(Elementwise.scaled(sums, -1 / Double(rows)))).value
    }

    private static func widened(_ x: Tensor) -> Tensor {
        x.converted(to: .f64)
    }

    /// False when what centring left is rounding.
    static func varies(_ centred: Tensor, of x: Tensor) -> Bool {
        squaredNorm(centred) > 1e-24 * squaredNorm(widened(x))
    }

    private static func ratio(_ cross: Double, _ x: Double, _ y: Double) -> Double? {
        let scale = (x * y).squareRoot()
        return scale > 0 ? cross / scale : nil
    }

    /// `aᵀ b`.
    static func crossProduct(_ a: Tensor, _ b: Tensor) -> Tensor {
        let c = Tensor(uninitialized: [a.shape[1], b.shape[1]], .f64)
        Gemm.multiply(
            .f64, m: a.shape[1], n: b.shape[1], k: a.shape[0], MatrixView(a, width: a.shape[1], transposed: true),
            MatrixView(b, width: b.shape[1]), into: c.raw)
        keepAlive(a.storage, b.storage, c.storage)
        return c
    }

    /// `a aᵀ`.
    private static func gram(_ a: Tensor) -> Tensor {
        let (n, d) = (a.shape[0], a.shape[1])
        let c = Tensor(uninitialized: [n, n], .f64)
        Gemm.multiply(
            .f64, m: n, n: n, k: d, MatrixView(a, width: d), MatrixView(a, width: d, transposed: true), into: c.raw)
        keepAlive(a.storage, c.storage)
        return c
    }

    private static func dot(_ a: Tensor, _ b: Tensor) -> Double {
        Variable(a).multiplied(by: Variable(b)).sum().item()
    }

    static func squaredNorm(_ a: Tensor) -> Double { dot(a, a) }
}
