import Determinism
import TensorCore

/// The index of the largest value of each row of the last axis, the first of equals.
public enum ArgMax {
    public static func rows(_ tensor: Tensor) -> [Int32] {
        precondition(tensor.rank >= 1 && tensor.shape[tensor.rank - 1] > 0, "argmax over the rows of \(tensor.shape)")
        let columns = tensor.shape[tensor.rank - 1]
        var result = [Int32](repeating: 0, count: tensor.count / columns)
        result.withUnsafeMutableBufferPointer { result in
            let out = result.baseAddress
            Parallel.forEachRange(result.count, grain: max(1, 65536 / columns)) { range in
                guard let out else { return }
                switch tensor.dtype {
                case .f32: fill(out, tensor.f32(), range, columns)
                case .f64: fill(out, tensor.f64(), range, columns)
                default: preconditionFailure("argmax of a \(tensor.dtype) tensor")
                }
            }
        }
        keepAlive(tensor.storage)
        return result
    }

    @inline(__always)
    private static func fill<T: BinaryFloatingPoint>(
        _ out: UnsafeMutablePointer<Int32>, _ values: UnsafeMutablePointer<T>, _ range: Range<Int>, _ columns: Int
    ) {
        for row in range {
            let start = values + row * columns
            var (best, at) = (start[0], 0)
            for column in 1..<max(columns, 1) where start[column] > best { (best, at) = (start[column], column) }
            out[row] = Int32(at)
        }
    }
}
