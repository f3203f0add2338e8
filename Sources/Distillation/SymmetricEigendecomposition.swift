import Determinism
import Foundation
import TensorCore

/// `A = U Λ Uᵀ` of a real symmetric matrix, in Double: Householder reflections to a tridiagonal matrix, then implicit QL.
///
/// The result does not depend on the number of threads. Signs and order are fixed: values ascend, and the entry of largest
/// size of every vector is positive.
/// - Complexity: about 9 n³ operations.
/// - Source: Golub, Van Loan, "Matrix Computations", §8.3; the sweeps are those of EISPACK's `tql2`.
public struct SymmetricEigendecomposition {
    /// Ascending.
    public private(set) var values: [Double]
    /// `Uᵀ`, `(n, n)`: row k is the unit vector of value k.
    public private(set) var vectors: Tensor

    /// - Parameter matrix: `(n, n)` f64, symmetric, finite; its upper triangle counts.
    public init(_ matrix: Tensor) {
        precondition(
            matrix.rank == 2 && matrix.shape[0] == matrix.shape[1] && matrix.shape[0] > 0 && matrix.dtype == .f64,
            "eigendecomposition of \(matrix.shape), \(matrix.dtype)")
        let n = matrix.shape[0]
        var form = Tridiagonal(matrix)
        let rows = form.basis()
        var sweeps = Rotations(rows)
        Self.diagonalize(&form.diagonal, &form.beside, &sweeps)
        sweeps.apply()
        let order = (0..<n).sorted { form.diagonal[$0] < form.diagonal[$1] }
        values = order.map { form.diagonal[$0] }
        vectors = Tensor(uninitialized: [n, n], .f64)
        for (to, from) in order.enumerated() {
            let (row, source) = (vectors.f64() + to * n, rows.f64() + from * n)
            let largest = (0..<n).max { abs(source[$0]) < abs(source[$1]) }!
            let sign = source[largest] < 0 ? -1.0 : 1
            for j in 0..<n { row[j] = sign * source[j] }
        }
        keepAlive(rows.storage)
    }

    /// Turns a tridiagonal matrix into a diagonal one; each rotation is noted for the vectors.
    private static func diagonalize(_ d: inout [Double], _ e: inout [Double], _ rotations: inout Rotations) {
        let n = d.count
        for first in 0..<n {
            var round = 0
            while true {
                var last = first
                while last < n - 1 && abs(e[last]) > .ulpOfOne * (abs(d[last]) + abs(d[last + 1])) { last += 1 }
                if last == first { break }
                round += 1
                precondition(round <= 60, "eigendecomposition: no convergence, the matrix is not finite")
                var g: Double = (d[first + 1] - d[first]) / (2 * e[first])
                let shift: Double = e[first] / (g + copysign(hypot(g, 1), g))
                g = d[last] - d[first] + shift
                var (s, c, p) = (1.0, 1.0, 0.0)
                var i = last - 1
                while i >= first {
                    let (f, b) = (s * e[i], c * e[i])
                    var r = hypot(f, g)
                    e[i + 1] = r
                    if r == 0 { break }
                    s = f / r
                    c = g / r
                    g = d[i + 1] - p
                    r = (d[i] - g) * s + 2 * c * b
                    p = s * r
                    d[i + 1] = g + p
                    g = c * r - b
                    rotations.append(row: i, c, s)
                    i -= 1
                }
                if i >= first {
                    d[i + 1] -= p
                } else {
                    d[first] -= p
                    e[first] = g
                }
                e[last] = 0
            }
        }
    }
}

/// Rotations of neighbouring rows, applied many at a time to a few columns that stay in cache.
private struct Rotations {
    private let rows: Tensor
    private var pending: [(row: Int, c: Double, s: Double)] = []

    init(_ rows: Tensor) { self.rows = rows }

    mutating func append(row: Int, _ c: Double, _ s: Double) {
        pending.append((row, c, s))
        if pending.count >= 32 * rows.shape[0] { apply() }
    }

    mutating func apply() {
        let (n, base) = (rows.shape[0], rows.f64())
        pending.withUnsafeBufferPointer { steps in
            Parallel.forEachRange(n, grain: 64) { columns in
                for step in steps {
                    let upper = base + step.row * n + columns.lowerBound
                    let lower = upper + n
                    for j in 0..<columns.count {
                        let (x, y) = (upper[j], lower[j])
                        lower[j] = step.s * x + step.c * y
                        upper[j] = step.c * x - step.s * y
                    }
                }
            }
        }
        pending.removeAll(keepingCapacity: true)
        keepAlive(rows.storage)
    }
}
