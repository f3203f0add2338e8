import CKernels
import Communication
import Determinism
import TensorCore

/// The running mean and variance of a batch norm, `(C)` each.
public final class BatchNormStatistics {
    public var mean: Tensor
    public var variance: Tensor

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
    /// them (the unbiased variance) unless one is not finite; in evaluation the running values are used.
    ///
    /// The output is not kept by operations that read it: backward makes it again.
    ///
    /// - Parameters:
    ///   - gamma, beta: `(C)`, or neither.
    ///   - momentum: the weight of the batch in the running values.
    ///   - relu: `max(y, 0)` in the same passes over memory.
    ///   - group: the ranks that share the batch, equally many rows each.
    /// - Source: Ioffe, Szegedy 2015, arXiv:1502.03167, algorithms 1 and 2.
    public func batchNorm(
        _ gamma: Variable?, _ beta: Variable?, running: BatchNormStatistics, training: Bool, epsilon: Double = 1e-5,
        momentum: Double = 0.1, relu: Bool = false, group: any Communicator = SingleProcess()
    ) -> Variable {
        let (rows, columns) = rowsAndColumns
        let (x, dtype) = (value, value.dtype)
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
            // A batch that is left out for values that are not finite must not live on in the running ones.
            if mean.isFinite && variance.isFinite {
                Elementwise.movingAverage(running.mean, mean, decay: 1 - momentum)
                let unbiased = Elementwise.scaled(variance, total / max(total - 1, 1))
                Elementwise.movingAverage(running.variance, unbiased, decay: 1 - momentum)
            }
        } else {
            (mean, variance) = (running.mean, running.variance)
        }
        let rstd = Tensor(variance.doubles().map { 1 / ($0 + epsilon).squareRoot() }, [columns]).converted(to: dtype)
        let scale = gamma.map { Elementwise.product($0.value, rstd) } ?? rstd
        let shift = beta?.value ?? Tensor.zeros([columns], dtype)
        let (table, size) = (Kernels.table(dtype), dtype.size)
        let grain = max(1, Elementwise.grain / columns)
        func normalized() -> Tensor {
            let y = Tensor(uninitialized: x.shape, dtype)
            let (yp, xp, mp, sp, hp) = (y.raw, x.raw, mean.raw, scale.raw, shift.raw)
            Parallel.forEachRange(rows, grain: grain) { range in
                let offset = range.lowerBound * columns * size
                table.pointee.batch_norm_apply(
                    yp + offset, xp + offset, mp, sp, hp, relu ? 1 : 0, range.count, columns)
            }
            keepAlive(scale.storage, shift.storage)
            return y
        }
        let inputs = [self] + [gamma, beta].compactMap { $0 }
        let (hasGamma, hasBeta) = (gamma != nil, beta != nil)
        let isRecorded = inputs.contains(where: \.isTracked)
        return .record(normalized(), from: inputs, remake: isRecorded ? normalized : nil) { dy in
            // (dbeta, dgamma) side by side.
            let sums = Elementwise.reduceRows(dtype, rows: rows, columns: columns, sums: 2) { table, out, range in
                let offset = range.lowerBound * columns * size
                table.pointee.batch_norm_sums(
                    out, out + columns * size, dy.raw + offset, x.raw + offset, mean.raw, rstd.raw, scale.raw,
                    shift.raw, relu ? 1 : 0, range.count, columns)
            }
            let (dbeta, dgamma) = (sums.view(at: 0, shape: [columns]), sums.view(at: columns, shape: [columns]))
            // In evaluation the statistics are constants: their terms vanish.
            let means = sums.copy()
            group.allReduceSum(means)
            table.pointee.scale(means.raw, means.raw, training ? 1 / total : 0, 2 * columns)
            let dx = Tensor(uninitialized: x.shape, dtype)
            let (dxp, dyp, xp, mp, rp) = (dx.raw, dy.raw, x.raw, mean.raw, rstd.raw)
            let (sp, hp, first) = (scale.raw, shift.raw, means.raw)
            Parallel.forEachRange(rows, grain: grain) { range in
                let offset = range.lowerBound * columns * size
                table.pointee.batch_norm_gradient(
                    dxp + offset, dyp + offset, xp + offset, mp, rp, sp, hp, first, first + columns * size,
                    relu ? 1 : 0, range.count, columns)
            }
            keepAlive(means.storage)
            return [dx] + (hasGamma ? [dgamma] : []) + (hasBeta ? [dbeta] : [])
        }
    }
}
