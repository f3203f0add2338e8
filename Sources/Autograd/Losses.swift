import CKernels
import Determinism
import TensorCore

// Each loss computes its gradient with its value: the backward only scales it.
extension Variable {
    /// Mean of `−log softmax(x)[label]` over the rows of the `(R, K)` view whose label is not `ignore`; 0 without any.
    ///
    /// - Parameter divisor: the number of such rows when absent.
    /// - Precondition: other labels lie in `0..<K`.
    public func crossEntropy(labels: [Int32], ignore: Int32 = -1, divisor: Double? = nil) -> Variable {
        let (rows, columns) = rowsAndColumns
        precondition(labels.count == rows, "crossEntropy: \(labels.count) labels for \(rows) rows")
        let counted = Self.countedLabels(labels, classCount: columns, ignore: ignore)
        let x = value
        return rowLoss(divisor: divisor ?? counted, weights: nil) { table, loss, dx, range in
            let offset = range.lowerBound * columns * x.dtype.size
            labels.withUnsafeBufferPointer { labels in
                table.pointee.cross_entropy(
                    loss, dx + offset, x.raw + offset, labels.baseAddress! + range.lowerBound, ignore, range.count,
                    columns)
            }
        }
    }

    /// Labels that are not `ignore`, at least 1: what the sum over rows is divided by.
    static func countedLabels(_ labels: [Int32], classCount: Int, ignore: Int32) -> Double {
        precondition(
            labels.allSatisfy { $0 == ignore || ($0 >= 0 && $0 < classCount) },
            "crossEntropy: a label outside 0..<\(classCount)")
        return Double(max(labels.reduce(0) { $0 + ($1 == ignore ? 0 : 1) }, 1))
    }

    /// `−Σ_r w_r Σ_k t log softmax(x) / Σ w`, with `targets` of shape `(R, K)`.
    ///
    /// - Parameter rowWeights: one a row; all 1 when absent.
    public func softCrossEntropy(targets: Tensor, rowWeights: [Float]? = nil) -> Variable {
        let (rows, columns) = rowsAndColumns
        precondition(targets.count == count && targets.dtype == value.dtype, "softCrossEntropy: \(targets.shape)")
        let x = value
        let mass = rowWeights.map { Double($0.reduce(0, +)) } ?? Double(rows)
        return rowLoss(divisor: max(mass, 1e-12), weights: rowWeights) { table, loss, dx, range in
            let offset = range.lowerBound * columns * x.dtype.size
            table.pointee.soft_cross_entropy(
                loss, dx + offset, x.raw + offset, targets.raw + offset, range.count, columns)
        }
    }

    private func rowLoss(
        divisor: Double, weights: [Float]?,
        _ body: (UnsafePointer<dmt_kernels>, UnsafeMutablePointer<Double>, UnsafeMutableRawPointer, Range<Int>) -> Void
    ) -> Variable {
        let (rows, columns) = rowsAndColumns
        precondition(weights == nil || weights!.count == rows, "loss: \(weights!.count) row weights for \(rows) rows")
        let dtype = value.dtype
        let dx = Tensor(uninitialized: shape, dtype)
        let losses = Tensor(uninitialized: [rows], .f64)
        let (table, dxp, lp) = (Kernels.table(dtype), dx.raw, losses.f64())
        Parallel.forEachRange(rows, grain: max(1, 16384 / max(columns, 1))) { range in
            body(table, lp + range.lowerBound, dxp, range)
            if let weights {
                for r in range {
                    let row = dxp + r * columns * dtype.size
                    table.pointee.scale(row, row, Double(weights[r]), columns)
                    lp[r] *= Double(weights[r])
                }
            }
        }
        let total = Kernels.table(.f64).pointee.sum(lp, rows) / divisor
        keepAlive(losses.storage)
        return Self.scalarLoss(total, gradient: dx, divisor: divisor, from: self)
    }

    /// - Parameter gradient: of the undivided loss, nobody else's: it is scaled in place.
    static func scalarLoss(_ value: Double, gradient: Tensor, divisor: Double, from x: Variable) -> Variable {
        .record(Tensor.full([], value, gradient.dtype), from: [x]) { dy in
            Elementwise.scale(gradient, by: Variable(dy).item() / divisor)
            return [gradient]
        }
    }

    /// `Σ w·h(x − t) / divisor`, with `h(d) = d²/2β` inside `|d| < β` and `|d| − β/2` outside; β 0 is L1.
    ///
    /// - Parameter divisor: the number of values when absent.
    public func smoothL1(
        _ target: Tensor, beta: Double, elementWeights: Tensor? = nil, divisor: Double? = nil
    ) -> Variable {
        elementLoss(target, elementWeights, divisor) { table, dx, x, t, w, n in
            table.pointee.smooth_l1(dx, x, t, w, beta, n)
        }
    }

    /// `Σ w·(max(x, 0) − x t + log(1 + exp(−|x|))) / divisor`.
    public func bceWithLogits(targets: Tensor, elementWeights: Tensor? = nil, divisor: Double? = nil) -> Variable {
        elementLoss(targets, elementWeights, divisor) { table, dx, x, t, w, n in
            table.pointee.bce_with_logits(dx, x, t, w, n)
        }
    }

    private func elementLoss(
        _ target: Tensor, _ weights: Tensor?, _ divisor: Double?,
        _ kernel: (
            UnsafePointer<dmt_kernels>, UnsafeMutableRawPointer, UnsafeRawPointer, UnsafeRawPointer, UnsafeRawPointer?,
            Int
        ) -> Double
    ) -> Variable {
        precondition(
            target.count == count && target.dtype == value.dtype && (weights == nil || weights!.count == count),
            "loss: \(shape) against \(target.shape)")
        let (x, dtype) = (value, value.dtype)
        let dx = Tensor(uninitialized: shape, dtype)
        let grain = Elementwise.grain
        let blocks = (count + grain - 1) / grain
        let partial = Tensor.zeros([max(blocks, 1)], .f64)
        let (table, dxp, sums, size) = (Kernels.table(dtype), dx.raw, partial.f64(), dtype.size)
        let (xp, tp, wp) = (x.raw, target.raw, weights?.raw)
        Parallel.forEachRange(count, grain: grain) { range in
            let offset = range.lowerBound * size
            sums[range.lowerBound / grain] = kernel(
                table, dxp + offset, xp + offset, tp + offset, wp.map { UnsafeRawPointer($0 + offset) }, range.count)
        }
        let total = partial.doubles().reduce(0, +)
        let share = divisor ?? Double(max(count, 1))
        return Self.scalarLoss(total / share, gradient: dx, divisor: share, from: self)
    }

    /// Mean squared error, each row (last axis) weighted: `Σ_r w_r mean_k (x − t)² / Σ w`.
    public func meanSquaredError(_ target: Tensor, rowWeights: [Float]? = nil) -> Variable {
        let (rows, columns) = rowsAndColumns
        let weights = rowWeights ?? [Float](repeating: 1, count: rows)
        precondition(weights.count == rows, "meanSquaredError: \(weights.count) row weights for \(rows) rows")
        let mass = Double(weights.reduce(0, +)) * Double(columns)
        let difference = self + Variable(Elementwise.scaled(target, -1).reshaped(shape))
        let weighted =
            rowWeights == nil
            ? difference : difference.reshaped([rows, columns]).scaledRows(weights.map(Double.init)).reshaped(shape)
        return weighted.multiplied(by: difference).sum().scaled(by: 1 / max(mass, 1e-12))
    }

    /// `Σ_r w_r (1 − cos(x_r, t_r)) / Σ w` over the rows of the last axis.
    public func cosineLoss(_ target: Tensor, rowWeights: [Float]? = nil) -> Variable {
        let (rows, columns) = rowsAndColumns
        let weights = rowWeights ?? [Float](repeating: 1, count: rows)
        precondition(weights.count == rows && target.count == count, "cosineLoss: \(shape) against \(target.shape)")
        let mass = max(Double(weights.reduce(0, +)), 1e-12)
        let unit = Variable(target.reshaped([rows, columns])).normalized()
        let directions = rowWeights == nil ? unit : unit.scaledRows(weights.map(Double.init))
        let agreement = reshaped([rows, columns]).normalized().multiplied(by: directions).sum()
        return agreement.scaled(by: -1 / mass) + Variable(Tensor.full([], mass > 1e-9 ? 1 : 0, value.dtype))
    }
}
