import Determinism
import TensorCore

/// Channels brought to mean 0 and deviation 1, as measured on the rows it was made from.
///
/// - Source: scikit-learn's `StandardScaler`: population deviation; a constant channel is only centred.
public struct ChannelScaling {
    /// `(C)` each.
    private let mean: Tensor
    private let inverse: Tensor
    private let shift: Tensor

    /// - Parameter x: `(N, C)`, f32 or f64, at least one row. Sums are taken in Double.
    public init(_ x: Tensor) {
        let (rows, columns) = (x.shape[0], x.shape[1])
        precondition(x.rank == 2 && rows > 0, "channel scaling of \(x.shape)")
        let (mean, inverse) = (Tensor(uninitialized: [columns], .f64), Tensor(uninitialized: [columns], .f64))
        nonisolated(unsafe) let (means, inverses) = (mean.f64(), inverse.f64())
        Parallel.forEachRange(columns, grain: 16) { range in
            switch x.dtype {
            case .f32: Self.measure(x.f32(), rows, columns, range, means, inverses)
            case .f64: Self.measure(x.f64(), rows, columns, range, means, inverses)
            default: preconditionFailure("channel scaling of a \(x.dtype) tensor")
            }
        }
        self.mean = mean.converted(to: x.dtype)
        self.inverse = inverse.converted(to: x.dtype)
        shift = .zeros([columns], x.dtype)
    }

    @inline(__always)
    private static func measure<T: BinaryFloatingPoint>(
        _ x: UnsafeMutablePointer<T>, _ rows: Int, _ columns: Int, _ range: Range<Int>,
        _ mean: UnsafeMutablePointer<Double>, _ inverse: UnsafeMutablePointer<Double>
    ) {
        for c in range { (mean[c], inverse[c]) = (0, 0) }
        for row in 0..<rows {
            for c in range { mean[c] += Double(x[row * columns + c]) }
        }
        for c in range { mean[c] /= Double(rows) }
        for row in 0..<rows {
            for c in range {
                let d = Double(x[row * columns + c]) - mean[c]
                inverse[c] += d * d
            }
        }
        for c in range {
            let deviation = (inverse[c] / Double(rows)).squareRoot()
            inverse[c] = deviation > 1e-7 * abs(mean[c]) && deviation > 0 ? 1 / deviation : 1
        }
    }

    /// `(x − mean) / deviation` for rows `(N, C)`.
    public func callAsFunction(_ x: Tensor) -> Tensor {
        let columns = mean.count
        precondition(x.rank == 2 && x.shape[1] == columns, "channel scaling of \(columns) channels on \(x.shape)")
        let y = Tensor(uninitialized: x.shape, x.dtype)
        let (table, size) = (Kernels.table(x.dtype), x.dtype.size)
        nonisolated(unsafe) let (to, from) = (y.raw, x.raw)
        nonisolated(unsafe) let (m, s, b) = (mean.raw, inverse.raw, shift.raw)
        Parallel.forEachRange(x.shape[0], grain: max(1, 65536 / columns)) { range in
            let offset = range.lowerBound * columns * size
            table.pointee.column_affine(to + offset, from + offset, m, s, b, range.count, columns)
        }
        return y
    }
}
