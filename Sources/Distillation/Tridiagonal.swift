import Determinism
import TensorCore

/// `A = Q T Qᵀ`: a symmetric matrix made tridiagonal by Householder reflections, row by row.
struct Tridiagonal {
    var diagonal: [Double]
    /// Entry `k` stands beside diagonal entries `k` and `k + 1`; the last is 0.
    var beside: [Double]
    /// Row k holds its reflection from column `k + 1` on.
    private let reflections: Tensor
    /// `2 / vᵀv`, 0 where nothing was reflected.
    private var factors: [Double]

    /// - Parameter matrix: `(n, n)` f64, symmetric; its upper triangle counts.
    init(_ matrix: Tensor) {
        let (n, a) = (matrix.shape[0], matrix.copy())
        let base = a.f64()
        for i in 0..<n {
            for j in 0..<i { base[i * n + j] = base[j * n + i] }
        }
        diagonal = [Double](repeating: 0, count: n)
        beside = diagonal
        factors = diagonal
        reflections = a
        let product = Tensor.zeros([n], .f64)
        for k in 0..<n {
            diagonal[k] = base[k * n + k]
            if k + 1 >= n { continue }
            let (v, size) = (base + k * n + k + 1, n - k - 1)
            let length = Self.dot(v, v, size).squareRoot()
            let tail = Self.dot(v + 1, v + 1, size - 1)
            // A row that is tridiagonal already.
            if tail == 0 {
                beside[k] = v[0]
                continue
            }
            beside[k] = v[0] > 0 ? -length : length
            v[0] -= beside[k]
            factors[k] = 2 / (tail + v[0] * v[0])
            Self.reflect(base + (k + 1) * n + k + 1, stride: n, size, v, factors[k], product.f64())
        }
        keepAlive(a.storage, product.storage)
    }

    /// `B := H B H` with `H = 1 − factor · v vᵀ`, by `w = p − (factor/2)(pᵀv) v`, `p = factor · B v`.
    private static func reflect(
        _ b: UnsafeMutablePointer<Double>, stride: Int, _ size: Int, _ v: UnsafeMutablePointer<Double>,
        _ factor: Double, _ w: UnsafeMutablePointer<Double>
    ) {
        let grain = max(1, 32768 / size)
        Parallel.forEachRange(size, grain: grain) { rows in
            for i in rows { w[i] = factor * dot(b + i * stride, v, size) }
        }
        let overlap = factor / 2 * dot(w, v, size)
        for i in 0..<size { w[i] -= overlap * v[i] }
        Parallel.forEachRange(size, grain: grain) { rows in
            for i in rows {
                let (row, vi, wi) = (b + i * stride, v[i], w[i])
                for j in 0..<size { row[j] -= vi * w[j] + wi * v[j] }
            }
        }
    }

    /// `Qᵀ`, `(n, n)`.
    func basis() -> Tensor {
        let n = diagonal.count
        let (q, base) = (Tensor.zeros([n, n], .f64), reflections.f64())
        let rows = q.f64()
        for i in 0..<n { rows[i * n + i] = 1 }
        // Q = H_0 H_1 …: from the last on, each reflection only meets what later ones have filled.
        Parallel.forEachRange(n, grain: 64) { columns in
            let (from, count) = (columns.lowerBound, columns.count)
            withUnsafeTemporaryAllocation(of: Double.self, capacity: count) { buffer in
                let sums = buffer.baseAddress!
                for k in stride(from: n - 2, through: 0, by: -1) where factors[k] != 0 {
                    let v = base + k * n + k + 1
                    for j in 0..<count { sums[j] = 0 }
                    for i in k + 1..<n {
                        let (row, vi) = (rows + i * n + from, v[i - k - 1])
                        for j in 0..<count { sums[j] += vi * row[j] }
                    }
                    for i in k + 1..<n {
                        let (row, step) = (rows + i * n + from, factors[k] * v[i - k - 1])
                        for j in 0..<count { row[j] -= step * sums[j] }
                    }
                }
            }
        }
        let transposed = Tensor(uninitialized: [n, n], .f64)
        let result = transposed.f64()
        for i in 0..<n {
            for j in 0..<n { result[j * n + i] = rows[i * n + j] }
        }
        keepAlive(q.storage, reflections.storage)
        return transposed
    }

    /// In lanes of eight: the order of additions depends on the size alone.
    private static func dot(_ a: UnsafeMutablePointer<Double>, _ b: UnsafeMutablePointer<Double>, _ n: Int) -> Double {
        var sums = SIMD8<Double>.zero
        var i = 0
        while i + 8 <= n {
            let x = UnsafeRawPointer(a + i).loadUnaligned(as: SIMD8<Double>.self)
            let y = UnsafeRawPointer(b + i).loadUnaligned(as: SIMD8<Double>.self)
            sums += x * y
            i += 8
        }
        var total = sums.sum()
        while i < n {
            total += a[i] * b[i]
            i += 1
        }
        return total
    }
}
