import Autograd
import Determinism
import TensorCore

/// Compares the gradients of an operation with central differences in Double.
///
///     g_i ≈ (f(x + h e_i) − f(x − h e_i)) / 2h,   f = Σ p · op(x),   h = 6e-6 · max(1, |x_i|)
///
/// `p` is a random projection of the output to a scalar, so one backward covers every output value. The step balances
/// truncation, O(h²), against rounding, O(ulp / h), near the cube root of the ulp.
public struct GradientCheck {
    /// The largest disagreement found and where.
    public struct Report: CustomStringConvertible {
        public var worst = 0.0
        public var place = "nowhere"

        public init() {}

        public var description: String { "worst relative error \(worst) at \(place)" }

        mutating func note(_ analytic: Double, _ numeric: Double, floor: Double, _ place: @autoclosure () -> String) {
            let error = abs(analytic - numeric) / max(abs(analytic), abs(numeric), floor)
            // A NaN compares false with everything: it must count as the worst.
            if !(error <= worst) {
                worst = error.isNaN ? .infinity : error
                self.place = "\(place()): backward \(analytic), differences \(numeric)"
            }
        }
    }

    private let inputs: [Tensor]
    private let operation: ([Variable]) -> Variable
    private let projection: [Double]
    private let outputShape: [Int]

    /// - Parameters:
    ///   - inputs: f64 tensors; a gradient is checked for each.
    ///   - operation: from variables of these tensors to any output; the same function of its inputs at every call.
    public init(_ inputs: [Tensor], seed: UInt64 = 1, _ operation: @escaping ([Variable]) -> Variable) {
        precondition(inputs.allSatisfy { $0.dtype == .f64 }, "gradient check: inputs must be f64")
        self.inputs = inputs
        self.operation = operation
        let output = operation(inputs.map { Variable($0.copy()) })
        outputShape = output.shape
        var stream = RandomStream(seed: seed, purpose: "gradient check projection")
        // Away from zero, so that no output value goes unseen.
        projection = (0..<output.count).map { _ in
            let size: Double = stream.uniform(0.5...1.5)
            return stream.chance(0.5) ? size : -size
        }
    }

    /// The gradients of the projected output by backward, one an input.
    public func analytic() -> [Tensor] {
        GradientCheck.gradients(inputs, projection: Tensor(projection, outputShape), operation)
    }

    /// The gradients of `Σ projection · op(inputs)` by backward, for inputs of any one floating type.
    public static func gradients(
        _ inputs: [Tensor], projection: Tensor, _ operation: ([Variable]) -> Variable
    ) -> [Tensor] {
        let tape = Tape()
        let gradients = inputs.map { Tensor.zeros($0.shape, $0.dtype) }
        let owners = inputs.map { _ in Owner() }
        let leaves = inputs.indices.map { tape.leaf(inputs[$0], gradient: gradients[$0], owner: owners[$0]) }
        tape.backward(operation(leaves).multiplied(by: Variable(projection)).sum())
        return gradients
    }

    private final class Owner {}

    /// Checks every value of every input.
    public func everyValue() -> Report {
        var report = Report()
        for (slot, gradient) in analytic().enumerated() {
            let (base, analytic) = (inputs[slot].doubles(), gradient.doubles())
            let floor = Self.floor(analytic)
            for i in base.indices {
                let numeric = Self.nearest(to: analytic[i], floor, from: 6e-6 * max(1, abs(base[i]))) { step in
                    let (above, below) = (base[i] + step, base[i] - step)
                    // The step that was really taken, after rounding, is above - below.
                    return (value(slot, [(i, above)]) - value(slot, [(i, below)])) / (above - below)
                }
                report.note(analytic[i], numeric, floor: floor, "input \(slot) \(inputs[slot].shape), value \(i)")
            }
        }
        return report
    }

    /// Checks random directions of each input: for shapes with too many values to step each.
    ///
    /// The step is 3e-5: f grows with the number of values and its slope along random signs only with the root, so
    /// rounding weighs more than truncation.
    public func randomDirections(_ count: Int, seed: UInt64 = 2) -> Report {
        var report = Report()
        for (slot, gradient) in analytic().enumerated() {
            let (base, analytic) = (inputs[slot].doubles(), gradient.doubles())
            // A sum of n slopes with random signs has the size of their root sum of squares.
            let floor = 0.1 * analytic.reduce(0) { $0 + $1 * $1 }.squareRoot() + 1e-6
            for round in 0..<count {
                var stream = RandomStream(seed: seed, purpose: "gradient check direction", UInt64(slot), UInt64(round))
                let signs: [Double] = base.map { _ in stream.chance(0.5) ? 1 : -1 }
                let inner = zip(analytic, signs).reduce(0) { $0 + $1.0 * $1.1 }
                let numeric = Self.nearest(to: inner, floor, from: 3e-5) { step in
                    let up = value(slot, base.indices.map { ($0, base[$0] + step * signs[$0]) })
                    let down = value(slot, base.indices.map { ($0, base[$0] - step * signs[$0]) })
                    return (up - down) / (2 * step)
                }
                report.note(inner, numeric, floor: floor, "input \(slot) \(inputs[slot].shape), direction \(round)")
            }
        }
        return report
    }

    /// The slope by differences, once more with smaller steps where it disagrees: a kink (ReLU) between two evaluations spoils
    /// one step, hardly the next ones. A wrong gradient is wrong at each.
    private static func nearest(
        to analytic: Double, _ floor: Double, from step: Double, _ slope: (Double) -> Double
    ) -> Double {
        func error(_ numeric: Double) -> Double { abs(analytic - numeric) / max(abs(analytic), abs(numeric), floor) }
        var best = slope(step)
        for smaller in [step / 10, step / 100] where !(error(best) < Tolerance.gradientCheck) {
            let numeric = slope(smaller)
            if error(numeric) < error(best) { best = numeric }
        }
        return best
    }

    /// Gradients far below the largest are compared on this scale: their differences are rounding noise. So are those of sums
    /// of size 1 that hardly change, as a saturated softmax: 1e-16 / 6e-6 is 3e-7 of the constant.
    private static func floor(_ gradient: [Double]) -> Double { 0.01 * gradient.reduce(0) { max($0, abs($1)) } + 5e-5 }

    private func value(_ slot: Int, _ changes: [(Int, Double)]) -> Double {
        let copies = inputs.map { $0.copy() }
        for (index, value) in changes { copies[slot].f64()[index] = value }
        let output = operation(copies.map { Variable($0) }).value.doubles()
        return zip(output, projection).reduce(0) { $0 + $1.0 * $1.1 }
    }
}
