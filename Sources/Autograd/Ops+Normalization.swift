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
    ///   - half: round the result to bfloat16, for products that would round it anyway.
    /// - Source: Ba, Kiros, Hinton 2016, arXiv:1607.06450, §3.
    public func layerNorm(
        _ gamma: Variable? = nil, _ beta: Variable? = nil, epsilon: Double = 1e-6, half: Bool = false
    ) -> Variable {
        precondition((gamma == nil) == (beta == nil), "layerNorm: gamma and beta go together")
        let (rows, columns) = rowsAndColumns
        let (x, g, b, dtype, size) = (value, gamma?.value, beta?.value, value.dtype, value.dtype.size)
        let (mean, rstd) = (Tensor(uninitialized: [rows], dtype), Tensor(uninitialized: [rows], dtype))
        let table = Kernels.table(dtype)
        func normalized() -> Tensor {
            let y = Tensor(uninitialized: x.shape, half ? .bf16 : dtype)
            let (yp, xp, mp, rp, gp, bp) = (y.raw, x.raw, mean.raw, rstd.raw, g?.raw, b?.raw)
            Parallel.forEachRange(rows, grain: Self.rowGrain) { range in
                func normalize(_ out: UnsafeMutableRawPointer, _ rows: Range<Int>) {
                    let first = rows.lowerBound
                    table.pointee.layer_norm(
                        out, mp + first * size, rp + first * size, xp + first * columns * size, gp, bp, rows.count,
                        columns, epsilon)
                }
                if half {
                    Elementwise.rounding(yp, range, columns: columns, normalize)
                } else {
                    normalize(yp + range.lowerBound * columns * size, range)
                }
            }
            return y
        }
        let y = normalized()
        let needsAffine = (gamma?.isTracked ?? false) || (beta?.isTracked ?? false)
        let affine = [gamma, beta].compactMap { $0 }
        let isAffine = !affine.isEmpty
        return .record(y, from: [self] + affine, remake: normalized) { dy in
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

/// The running mean and variance of a batch norm, `(C)` each, and whom it synchronises with.
public final class BatchNormStatistics {
    public var mean: Tensor
    public var variance: Tensor
    /// Sums are added over the ranks of this group before they are used.
    public var group: any Communicator = SingleProcess()

    public init(channels: Int, dtype: DType = .f32) {
        mean = Tensor.zeros([channels], dtype)
        variance = Tensor.full([channels], 1, dtype)
    }
}

extension Variable {
    /// Batch normalisation over all axes but the last.
    ///
    ///     y = (x − μ) / √(σ² + ε) · γ + β
    ///
    /// In training μ and σ² (biased) are the batch's, summed over the group's ranks, and the running values move towards
    /// them (the unbiased variance); in evaluation the running values are used.
    ///
    /// - Parameters:
    ///   - gamma, beta: `(C)`, or neither.
    ///   - momentum: the weight of the batch in the running values.
    /// - Source: Ioffe, Szegedy 2015, arXiv:1502.03167, algorithms 1 and 2.
    public func batchNorm(
        _ gamma: Variable?, _ beta: Variable?, running: BatchNormStatistics, training: Bool, epsilon: Double = 1e-5,
        momentum: Double = 0.1
    ) -> Variable {
        let (rows, columns) = rowsAndColumns
        let (x, dtype) = (value, value.dtype)
        let group = running.group
        let total = Double(rows * group.size)
        let mean: Tensor
        let variance: Tensor
        if training {
            mean = Elementwise.columnSums(x, rows: rows, columns: columns)
            group.allReduceSum(mean)
            Kernels.table(dtype).pointee.scale(mean.raw, mean.raw, 1 / total, columns)
            variance = Elementwise.reduceRows(dtype, rows: rows, columns: columns) { table, out, range in
                table.pointee.column_moments(
                    out, x.raw + range.lowerBound * columns * dtype.size, mean.raw, range.count, columns)
            }
            group.allReduceSum(variance)
            Kernels.table(dtype).pointee.scale(variance.raw, variance.raw, 1 / total, columns)
            Elementwise.movingAverage(running.mean, mean, decay: 1 - momentum)
            let unbiased = Elementwise.scaled(variance, total / max(total - 1, 1))
            Elementwise.movingAverage(running.variance, unbiased, decay: 1 - momentum)
        } else {
            (mean, variance) = (running.mean, running.variance)
        }
        let rstd = Tensor(variance.doubles().map { 1 / ($0 + epsilon).squareRoot() }, [columns]).converted(to: dtype)
        let scale = gamma.map { Elementwise.product($0.value, rstd) } ?? rstd
        let shift = beta?.value ?? Tensor.zeros([columns], dtype)
        let y = Tensor(uninitialized: shape, dtype)
        let (yp, xp, mp, sp, hp) = (y.raw, x.raw, mean.raw, scale.raw, shift.raw)
        let (table, size) = (Kernels.table(dtype), dtype.size)
        let grain = max(1, Elementwise.grain / columns)
        Parallel.forEachRange(rows, grain: grain) { range in
            let offset = range.lowerBound * columns * size
            table.pointee.column_affine(yp + offset, xp + offset, mp, sp, hp, range.count, columns)
        }
        keepAlive(scale.storage, shift.storage)
        let affine = [gamma, beta].compactMap { $0 }
        let (gammaValue, hasGamma, hasBeta) = (gamma?.value, gamma != nil, beta != nil)
        return .record(y, from: [self] + affine) { dy in
            let dbeta = Elementwise.columnSums(dy, rows: rows, columns: columns)
            let dgamma = Elementwise.reduceRows(dtype, rows: rows, columns: columns) { table, out, range in
                let offset = range.lowerBound * columns * size
                table.pointee.column_normalized_dots(
                    out, dy.raw + offset, x.raw + offset, mean.raw, rstd.raw, range.count, columns)
            }
            // In evaluation the statistics are constants: their terms vanish.
            let (first, second) = (dbeta.copy(), dgamma.copy())
            group.allReduceSum(first)
            group.allReduceSum(second)
            table.pointee.scale(first.raw, first.raw, training ? 1 / total : 0, columns)
            table.pointee.scale(second.raw, second.raw, training ? 1 / total : 0, columns)
            let dx = Tensor(uninitialized: x.shape, dtype)
            let (dxp, dyp, xp) = (dx.raw, dy.raw, x.raw)
            let (mp, rp, gp, fp, sp) = (mean.raw, rstd.raw, gammaValue?.raw, first.raw, second.raw)
            Parallel.forEachRange(rows, grain: grain) { range in
                let offset = range.lowerBound * columns * size
                table.pointee.batch_norm_backward(
                    dxp + offset, dyp + offset, xp + offset, mp, rp, gp, fp, sp, range.count, columns)
            }
            keepAlive(first.storage, second.storage)
            return [dx] + (hasGamma ? [dgamma] : []) + (hasBeta ? [dbeta] : [])
        }
    }
}
