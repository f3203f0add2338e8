import Autograd
import Foundation
import Geometry
import TensorCore

/// A number and its derivatives by four deltas: formulas written with it have exact gradients.
private struct Dual {
    var value: Double
    var slope: SIMD4<Double>

    init(_ value: Double, _ slope: SIMD4<Double> = .zero) { (self.value, self.slope) = (value, slope) }

    static func + (a: Dual, b: Dual) -> Dual { Dual(a.value + b.value, a.slope + b.slope) }
    static func - (a: Dual, b: Dual) -> Dual { Dual(a.value - b.value, a.slope - b.slope) }
    static func * (a: Dual, b: Dual) -> Dual { Dual(a.value * b.value, a.slope * b.value + b.slope * a.value) }
    static func / (a: Dual, b: Dual) -> Dual {
        Dual(a.value / b.value, (a.slope * b.value - b.slope * a.value) / (b.value * b.value))
    }
    static func max(_ a: Dual, _ b: Dual) -> Dual { a.value >= b.value ? a : b }
    static func min(_ a: Dual, _ b: Dual) -> Dual { a.value <= b.value ? a : b }
    var exponential: Dual { Dual(exp(value), slope * exp(value)) }
}

extension BoxCoder {
    /// `1 − GIoU` of the box that deltas lead to and the true one, and its gradient by the deltas.
    ///
    /// Areas are at least 1e-6.
    ///
    /// - Source: Rezatofighi et al. 2019, arXiv:1902.09630, algorithm 1; mmdetection's `GIoULoss` on decoded boxes.
    func overlapLoss(
        _ deltas: SIMD4<Double>, from source: Box, to target: Box
    ) -> (value: Double, gradient: SIMD4<Double>) {
        func delta(_ index: Int) -> Dual {
            var slope = SIMD4<Double>.zero
            slope[index] = 1 / weights[index]
            return Dual(deltas[index] / weights[index], slope)
        }
        func side(_ delta: Dual, _ length: Double) -> Dual {
            var cut = Dual.min(delta, Dual(scaleLimit))
            if limitsShrinking { cut = Dual.max(cut, Dual(-scaleLimit)) }
            return cut.exponential * Dual(length)
        }
        let half = Dual(0.5)
        let (x, y) = (
            delta(0) * Dual(source.width) + Dual(source.center.x),
            delta(1) * Dual(source.height) + Dual(source.center.y)
        )
        let (w, h) = (side(delta(2), source.width), side(delta(3), source.height))
        let (x0, x1, y0, y1) = (x - half * w, x + half * w, y - half * h, y + half * h)
        let (tx0, tx1, ty0, ty1) = (Dual(target.x0), Dual(target.x1), Dual(target.y0), Dual(target.y1))
        let zero = Dual(0)
        let shared =
            Dual.max(Dual.min(x1, tx1) - Dual.max(x0, tx0), zero)
            * Dual.max(Dual.min(y1, ty1) - Dual.max(y0, ty0), zero)
        let least = Dual(1e-6)
        let union = Dual.max(w * h + Dual(target.width * target.height) - shared, least)
        let around = Dual.max(
            (Dual.max(x1, tx1) - Dual.min(x0, tx0)) * (Dual.max(y1, ty1) - Dual.min(y0, ty0)), least)
        let loss = Dual(1) - shared / union + (around - union) / around
        return (loss.value, loss.slope)
    }
}

extension Variable {
    /// `Σ (1 − GIoU) · weight / divisor` over rows of deltas `(R, 4)`.
    ///
    /// - Parameters:
    ///   - sources: the boxes corrected, one a row.
    ///   - targets: the true boxes, one a row.
    func overlapLoss(
        _ coder: BoxCoder, from sources: [Box], to targets: [Box], weight: Double, divisor: Double
    ) -> Variable {
        let rows = sources.count
        precondition(shape == [rows, 4] && targets.count == rows, "overlapLoss: \(shape) for \(rows) boxes")
        let values = TensorValues(value)
        var (total, gradients) = (0.0, [Double]())
        for row in 0..<rows {
            let (loss, slope) = coder.overlapLoss(values.quadruple(at: 4 * row), from: sources[row], to: targets[row])
            total += loss
            gradients += (0..<4).map { slope[$0] * weight / divisor }
        }
        let dtype = value.dtype
        let gradient = Tensor(gradients, [rows, 4]).converted(to: dtype)
        return .record(Tensor.full([], total * weight / divisor, dtype), from: [self]) { dy in
            [Elementwise.scaled(gradient, Variable(dy).item())]
        }
    }
}
