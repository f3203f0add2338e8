import CKernels
import Communication
import Determinism
import TensorCore

extension Variable {
    private static var rowGrain: Int { 64 }

    /// Normalises the last axis to zero mean and unit (biased) variance, then scales and shifts.
    ///
    ///     y = (x − μ) / √(σ² + ε) · γ + β
    ///
    /// The output is not kept by operations that read it: backward makes it again.
    ///
    /// - Parameters:
    ///   - gamma, beta: `(C)`, both or neither.
    ///   - epsilon: inside the root; ViT checkpoints use 1e-6.
    ///   - relu: `max(y, 0)` in the same passes over memory; not with `half`.
    ///   - half: round the result to bfloat16, for products that would round it anyway.
    /// - Source: Ba, Kiros, Hinton 2016, arXiv:1607.06450, §3.
    public func layerNorm(
        _ gamma: Variable? = nil, _ beta: Variable? = nil, epsilon: Double = 1e-6, relu: Bool = false,
        half: Bool = false
    ) -> Variable {
        precondition((gamma == nil) == (beta == nil), "layerNorm: gamma and beta go together")
        precondition(!(relu && half), "layerNorm: a ReLU behind a rounded result")
        let (rows, columns) = rowsAndColumns
        let (x, g, b, dtype, size) = (value, gamma?.value, beta?.value, value.dtype, value.dtype.size)
        let (mean, rstd) = (Tensor(uninitialized: [rows], dtype), Tensor(uninitialized: [rows], dtype))
        let (table, sign) = (Kernels.table(dtype), Activation.relu.code)
        func normalize(_ out: UnsafeMutableRawPointer, _ rows: Range<Int>) {
            let (i, offset) = (rows.lowerBound * size, rows.lowerBound * columns * size)
            table.pointee.layer_norm(
                out, mean.raw + i, rstd.raw + i, x.raw + offset, g?.raw, b?.raw, rows.count, columns, epsilon)
        }
        func normalized() -> Tensor {
            let y = Tensor(uninitialized: x.shape, half ? .bf16 : dtype)
            let yp = y.raw
            Parallel.forEachRange(rows, grain: Self.rowGrain) { range in
                if half {
                    Elementwise.rounding(yp, range, columns: columns, normalize)
                    return
                }
                let (out, count) = (yp + range.lowerBound * columns * size, range.count * columns)
                normalize(out, range)
                if relu { table.pointee.epilogue(1, count, out, count, nil, sign, nil, nil, out, count) }
            }
            return y
        }
        let needsAffine = (gamma?.isTracked ?? false) || (beta?.isTracked ?? false)
        let inputs = [self] + [gamma, beta].compactMap { $0 }
        let (isAffine, isRecorded) = (inputs.count > 1, inputs.contains(where: \.isTracked))
        return .record(normalized(), from: inputs, remake: isRecorded ? normalized : nil) { dy in
            let dx = Tensor(uninitialized: x.shape, dtype)
            let (dxp, dyp, xp, gp) = (dx.raw, dy.raw, x.raw, g?.raw)
            let (mp, rp) = (mean.raw, rstd.raw)
            // Partial sums hold dgamma and dbeta side by side.
            let sums = Elementwise.reduceRows(dtype, rows: rows, columns: 2 * columns) { table, out, range in
                func reverse(_ dyp: UnsafeMutableRawPointer, _ rows: Range<Int>) {
                    let (i, offset) = (rows.lowerBound, rows.lowerBound * columns * size)
                    table.pointee.layer_norm_backward(
                        dxp + offset, needsAffine ? out : nil, needsAffine ? out + columns * size : nil, dyp,
                        xp + offset, gp, mp + i * size, rp + i * size, rows.count, columns)
                }
                if half {
                    Elementwise.widening(dy, range, columns: columns, reverse)
                } else if relu {
                    // Slopes need y: made again, a few rows at a time.
                    Elementwise.partly(range, columns: columns, dtype) { slopes, part in
                        normalize(slopes, part)
                        table.pointee.activation_backward(
                            slopes, dyp + part.lowerBound * columns * size, slopes, sign, part.count * columns)
                        reverse(slopes, part)
                    }
                } else {
                    reverse(dyp + range.lowerBound * columns * size, range)
                }
            }
            if !isAffine { return [dx] }
            return [dx, sums.view(at: 0, shape: [columns]), sums.view(at: columns, shape: [columns])]
        }
    }

    /// Divides each row of the last axis by its Euclidean length, at least `epsilon`.
    public func normalized(epsilon: Double = 1e-12) -> Variable {
        let (rows, columns) = rowsAndColumns
        let (dtype, size) = (value.dtype, value.dtype.size)
        let y = Tensor(uninitialized: shape, dtype)
        let inverse = Tensor(uninitialized: [rows], dtype)
        let table = Kernels.table(dtype)
        let (yp, xp, ip) = (y.raw, value.raw, inverse.raw)
        Parallel.forEachRange(rows, grain: Self.rowGrain) { range in
            let offset = range.lowerBound * columns * size
            table.pointee.l2_normalize(
                yp + offset, ip + range.lowerBound * size, xp + offset, range.count, columns, epsilon)
        }
        return .record(y, from: [self]) { dy in
            let dx = Tensor(uninitialized: y.shape, dtype)
            let (dxp, dyp, yp, ip) = (dx.raw, dy.raw, y.raw, inverse.raw)
            Parallel.forEachRange(rows, grain: Self.rowGrain) { range in
                let offset = range.lowerBound * columns * size
                table.pointee.l2_normalize_backward(
                    dxp + offset, dyp + offset, yp + offset, ip + range.lowerBound * size, range.count, columns)
            }
            return [dx]
        }
    }
}
