import CKernels
import Determinism
import TensorCore

/// Elementwise loops over whole tensors, in blocks of fixed size.
public enum Elementwise {
    static let grain = 32768

    static func blocks(_ tensor: Tensor, _ body: (_ offset: Int, _ count: Int) -> Void) {
        let size = tensor.dtype.size
        Parallel.forEachRange(tensor.count, grain: grain) { body($0.lowerBound * size, $0.count) }
    }

    /// `y += alpha x`.
    public static func axpy(_ y: Tensor, _ x: Tensor, _ alpha: Double) {
        precondition(y.count == x.count && y.dtype == x.dtype, "axpy of \(x.shape) onto \(y.shape)")
        let (table, yp, xp) = (Kernels.table(y.dtype), y.raw, x.raw)
        blocks(y) { table.pointee.axpy(yp + $0, xp + $0, alpha, $1) }
    }

    /// `a + b` in a new tensor.
    public static func sum(_ a: Tensor, _ b: Tensor) -> Tensor { combine(a, b, \.add) }

    static func product(_ a: Tensor, _ b: Tensor) -> Tensor { combine(a, b, \.multiply) }

    private static func combine(
        _ a: Tensor, _ b: Tensor,
        _ kernel: KeyPath<
            dmt_kernels,
            (
                @convention(c) (UnsafeMutableRawPointer?, UnsafeRawPointer?, UnsafeRawPointer?, dmt_index) -> Void
            )?
        >
    ) -> Tensor {
        precondition(a.shape == b.shape && a.dtype == b.dtype, "elementwise on \(a.shape) and \(b.shape)")
        let y = Tensor(uninitialized: a.shape, a.dtype)
        let function = Kernels.table(a.dtype).pointee[keyPath: kernel]!
        let (yp, ap, bp) = (y.raw, a.raw, b.raw)
        blocks(y) { function(yp + $0, ap + $0, bp + $0, $1) }
        return y
    }

    /// `alpha x` in a new tensor.
    public static func scaled(_ x: Tensor, _ alpha: Double) -> Tensor {
        let y = Tensor(uninitialized: x.shape, x.dtype)
        let (table, yp, xp) = (Kernels.table(x.dtype), y.raw, x.raw)
        blocks(y) { table.pointee.scale(yp + $0, xp + $0, alpha, $1) }
        return y
    }

    /// `x := alpha x`.
    static func scale(_ x: Tensor, by alpha: Double) {
        let (table, xp) = (Kernels.table(x.dtype), x.raw)
        blocks(x) { table.pointee.scale(xp + $0, xp + $0, alpha, $1) }
    }

    /// `y = decay y + (1 - decay) x`, in place.
    public static func movingAverage(_ y: Tensor, _ x: Tensor, decay: Double) {
        precondition(y.count == x.count && y.dtype == x.dtype, "average of \(x.shape) into \(y.shape)")
        let (table, yp, xp) = (Kernels.table(y.dtype), y.raw, x.raw)
        blocks(y) { table.pointee.moving_average(yp + $0, xp + $0, decay, $1) }
    }

    /// `act(z)` in a new tensor of the same type, bfloat16 too.
    static func activated(_ z: Tensor, _ activation: Activation) -> Tensor {
        if activation == .none { return z.copy() }
        let y = Tensor(uninitialized: z.shape, z.dtype)
        let (table, yp, zp, isHalf) = (Kernels.table(z.dtype == .bf16 ? .f32 : z.dtype), y.raw, z.raw, z.dtype == .bf16)
        blocks(z) { offset, count in
            let (part, source) = (yp + offset, zp + offset)
            if !isHalf {
                part.copyMemory(from: source, byteCount: count * z.dtype.size)
                table.pointee.epilogue(1, count, part, count, nil, activation.code, nil, nil, part, count)
                return
            }
            withUnsafeTemporaryAllocation(of: Float.self, capacity: count) { wide in
                let sums = UnsafeMutableRawPointer(wide.baseAddress!)
                table.pointee.from_half(sums, source.assumingMemoryBound(to: UInt16.self), count)
                table.pointee.epilogue_half(
                    1, count, sums, count, nil, activation.code, nil, part.assumingMemoryBound(to: UInt16.self), count)
            }
        }
        return y
    }

    static func activationBackward(_ dy: Tensor, _ z: Tensor, _ activation: Activation) -> Tensor {
        if activation == .none { return dy }
        let dz = Tensor(uninitialized: z.shape, z.dtype)
        let (table, out, dyp, zp) = (Kernels.table(z.dtype), dz.raw, dy.raw, z.raw)
        blocks(z) { table.pointee.activation_backward(out + $0, dyp + $0, zp + $0, activation.code, $1) }
        return dz
    }

    /// `y = x ∘ g` for `(P, …, C)` with a factor `g (P, C)` a column of each of the `P` parts.
    static func scaledColumns(_ x: Tensor, by g: Tensor) -> Tensor {
        let (parts, columns, size) = (g.shape[0], g.shape[1], x.dtype.size)
        let (y, zeros) = (Tensor(uninitialized: x.shape, x.dtype), Tensor.zeros([columns], x.dtype))
        let (table, yp, xp, gp, zp) = (Kernels.table(x.dtype), y.raw, x.raw, g.raw, zeros.raw)
        let rows = x.count / max(1, parts * columns)
        for part in 0..<parts {
            Parallel.forEachRange(rows, grain: max(1, grain / max(columns, 1))) { range in
                let offset = (part * rows + range.lowerBound) * columns * size
                table.pointee.column_affine(
                    yp + offset, xp + offset, zp, gp + part * columns * size, zp, range.count, columns)
            }
        }
        keepAlive(x.storage)
        return y
    }

    /// The sum over rows of an `(R, C)` view, in fixed blocks of rows; accumulates in the tensor's own type, that of bfloat16
    /// values in f32.
    public static func columnSums(_ x: Tensor, rows: Int, columns: Int) -> Tensor {
        if x.dtype == .bf16 {
            return reduceRows(.f32, rows: rows, columns: columns) { table, out, range in
                Self.widening(x, range, columns: columns) {
                    table.pointee.column_sums(out, $0, $1.count, columns)
                }
            }
        }
        return reduceRows(x.dtype, rows: rows, columns: columns) { table, out, range in
            table.pointee.column_sums(out, x.raw + range.lowerBound * columns * x.dtype.size, range.count, columns)
        }
    }

    /// Calls `body` with rows of a bfloat16 tensor as floats, a few at a time.
    static func widening(
        _ x: Tensor, _ rows: Range<Int>, columns: Int, _ body: (UnsafeMutableRawPointer, Range<Int>) -> Void
    ) {
        let (table, source) = (Kernels.table(.f32), x.bf16())
        partly(rows, columns: columns, .f32) { floats, part in
            table.pointee.from_half(floats, source + part.lowerBound * columns, part.count * columns)
            body(floats, part)
        }
    }

    /// Rounds rows that `body` makes as floats, a few at a time, into a bfloat16 tensor's memory.
    static func rounding(
        _ out: UnsafeMutableRawPointer, _ rows: Range<Int>, columns: Int,
        _ body: (UnsafeMutableRawPointer, Range<Int>) -> Void
    ) {
        let (table, target) = (Kernels.table(.f32), out.assumingMemoryBound(to: UInt16.self))
        partly(rows, columns: columns, .f32) { floats, part in
            body(floats, part)
            table.pointee.to_half(target + part.lowerBound * columns, floats, part.count * columns)
        }
    }

    /// Calls `body` with a few rows at a time and room for their values, which stays in the first-level cache.
    static func partly(
        _ rows: Range<Int>, columns: Int, _ dtype: DType, _ body: (UnsafeMutableRawPointer, Range<Int>) -> Void
    ) {
        let step = max(1, 8192 / columns)
        withUnsafeTemporaryAllocation(byteCount: step * columns * dtype.size, alignment: 64) { room in
            for first in stride(from: rows.lowerBound, to: rows.upperBound, by: step) {
                body(room.baseAddress!, first..<min(first + step, rows.upperBound))
            }
        }
    }

    /// Sums partial results of row blocks in block order: `sums` values a column, those of one sum side by side.
    static func reduceRows(
        _ dtype: DType, rows: Int, columns: Int, sums: Int = 1,
        _ body: (UnsafePointer<dmt_kernels>, UnsafeMutableRawPointer, Range<Int>) -> Void
    ) -> Tensor {
        let table = Kernels.table(dtype)
        let grain = max(64, (rows + 31) / 32)
        let blockCount = max(1, (rows + grain - 1) / grain)
        let partial = Tensor.zeros([blockCount, sums * columns], dtype)
        let (base, stride) = (partial.raw, sums * columns * dtype.size)
        Parallel.forEachRange(rows, grain: grain) { range in
            body(table, base + range.lowerBound / grain * stride, range)
        }
        for block in 1..<max(blockCount, 1) {
            table.pointee.axpy(base, base + block * stride, 1, sums * columns)
        }
        return partial.view(at: 0, shape: [sums * columns])
    }
}
