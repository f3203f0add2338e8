import CKernels
import Determinism
import TensorCore

extension Variable {
    /// Multi-head self-attention of packed projections, one head at a time in cache.
    ///
    ///     O = softmax(Q Kᵀ / √d) V     for each picture and head
    ///
    /// This value is `(N, T, 3C)`: q, k and v side by side, each `heads` blocks of `d = C / heads`. Where it is bfloat16,
    /// so are the products' operands, the result and the gradients; softmax and sums are in float.
    ///
    /// - Returns: `(N, T, C)`.
    /// - Complexity: 4·N·T²·C flops forward, 10·N·T²·C backward; backward keeps qkv, the output and `(N, heads, T)` sums.
    /// - Source: Vaswani et al. 2017, arXiv:1706.03762, eq. 1; blocks as in Dao et al. 2022, arXiv:2205.14135.
    public func attention(heads: Int) -> Variable {
        precondition(
            shape.count == 3 && shape[2] % (3 * heads) == 0, "attention: qkv \(shape) for \(heads) heads")
        let (pictures, tokens, width) = (shape[0], shape[1], shape[2] / 3)
        let dim = width / heads
        let (qkv, dtype, size) = (value, value.dtype, value.dtype.size)
        let half = dtype == .bf16
        let sums = half ? DType.f32 : dtype
        let out = Tensor(uninitialized: [pictures, tokens, width], dtype)
        let lse = Tensor(uninitialized: [pictures, heads, tokens], sums)
        let table = Kernels.table(sums)
        let scale = 1 / Double(dim).squareRoot()
        let scratchBytes =
            half
            ? table.pointee.attention_half_scratch(tokens, dim) : table.pointee.attention_scratch(tokens, dim) * size
        let (qkvp, outp, lsep) = (qkv.raw, out.raw, lse.raw)
        ProductCount.add(multiplyAdds: 2 * pictures * tokens * tokens * width)
        Parallel.forEach(pictures * heads) { task in
            let (picture, head) = (task / heads, task % heads)
            let base = qkvp + (picture * tokens * 3 * width + head * dim) * size
            let scratch = Storage(byteCount: scratchBytes)
            let result = outp + (picture * tokens * width + head * dim) * size
            let row = lsep + task * tokens * sums.size
            if half {
                let q = base.assumingMemoryBound(to: UInt16.self)
                table.pointee.attention_half(
                    result.assumingMemoryBound(to: UInt16.self), width, row, q, q + width, q + 2 * width, 3 * width,
                    tokens, dim, scale, scratch.pointer)
            } else {
                table.pointee.attention(
                    result, width, row, base, base + width * size, base + 2 * width * size, 3 * width, tokens, dim,
                    scale, scratch.pointer)
            }
            keepAlive(scratch)
        }
        return .record(out, from: [self]) { dout in
            let gradient = Tensor(uninitialized: qkv.shape, dtype)
            ProductCount.add(multiplyAdds: 5 * pictures * tokens * tokens * width)
            let (qkvp, outp, lsep, gp, dp) = (qkv.raw, out.raw, lse.raw, gradient.raw, dout.raw)
            Parallel.forEach(pictures * heads) { task in
                let (picture, head) = (task / heads, task % heads)
                let offset = (picture * tokens * 3 * width + head * dim) * size
                let outOffset = (picture * tokens * width + head * dim) * size
                let (base, grad) = (qkvp + offset, gp + offset)
                let scratch = Storage(byteCount: scratchBytes)
                let row = lsep + task * tokens * sums.size
                if half {
                    let q = base.assumingMemoryBound(to: UInt16.self)
                    let dq = grad.assumingMemoryBound(to: UInt16.self)
                    table.pointee.attention_half_backward(
                        dq, dq + width, dq + 2 * width, (dp + outOffset).assumingMemoryBound(to: UInt16.self),
                        (outp + outOffset).assumingMemoryBound(to: UInt16.self), width, row, q, q + width,
                        q + 2 * width, 3 * width, tokens, dim, scale, scratch.pointer)
                } else {
                    table.pointee.attention_backward(
                        grad, grad + width * size, grad + 2 * width * size, dp + outOffset, outp + outOffset, width,
                        row, base, base + width * size, base + 2 * width * size, 3 * width, tokens, dim, scale,
                        scratch.pointer)
                }
                keepAlive(scratch)
            }
            return [gradient]
        }
    }

    /// `softmax` over the last axis.
    public func softmax() -> Variable { rowwise(\.softmax, \.softmax_backward) }

    /// `log softmax` over the last axis.
    public func logSoftmax() -> Variable { rowwise(\.log_softmax, \.log_softmax_backward) }

    private typealias RowKernel =
        (@convention(c) (UnsafeMutableRawPointer?, UnsafeRawPointer?, dmt_index, dmt_index) -> Void)?
    private typealias RowBackward =
        (@convention(c) (UnsafeMutableRawPointer?, UnsafeRawPointer?, UnsafeRawPointer?, dmt_index, dmt_index) -> Void)?

    private func rowwise(
        _ forward: KeyPath<dmt_kernels, RowKernel>, _ backward: KeyPath<dmt_kernels, RowBackward>
    ) -> Variable {
        let (rows, columns) = rowsAndColumns
        let (dtype, size) = (value.dtype, value.dtype.size)
        let y = Tensor(uninitialized: shape, dtype)
        let table = Kernels.table(dtype)
        let (apply, reverse) = (table.pointee[keyPath: forward]!, table.pointee[keyPath: backward]!)
        let (yp, xp, grain) = (y.raw, value.raw, max(1, 8192 / max(columns, 1)))
        Parallel.forEachRange(rows, grain: grain) { range in
            let offset = range.lowerBound * columns * size
            apply(yp + offset, xp + offset, range.count, columns)
        }
        return .record(y, from: [self]) { dy in
            let dx = Tensor(uninitialized: y.shape, dtype)
            let (dxp, dyp, yp) = (dx.raw, dy.raw, y.raw)
            Parallel.forEachRange(rows, grain: grain) { range in
                let offset = range.lowerBound * columns * size
                reverse(dxp + offset, dyp + offset, yp + offset, range.count, columns)
            }
            return [dx]
        }
    }
}
