import Autograd
import Determinism
import NeuralLayers
import TensorCore

/// Compares the gradient of a model's loss with central differences along random directions of all its parameters, in
/// Double.
///
///     g · d ≈ (L(θ + h d) − L(θ − h d)) / 2h,   d of length 1, h from 3e-5 down to 3e-7
///
/// Errors are relative to the slope, or to a tenth of the size it has on average, `|g| / √P`, where it is smaller. A kink
/// (ReLU, maximum, L1) between two evaluations spoils one step size, hardly all; a loss that is bent, as where a short row is
/// scaled to length 1, needs a small one: smaller steps are tried until one agrees. A wrong gradient is wrong at each.
public struct DirectionalCheck {
    private let parameters: [Parameter]
    private let loss: (Tape?) -> Variable
    private let analytic: [[Double]]
    /// What a slope is judged against at least.
    private let floor: Double

    /// - Parameters:
    ///   - parameters: f64; constants among them are left alone.
    ///   - loss: a scalar, the same function of the parameters at every call; recorded where a tape is given.
    public init(_ parameters: [Parameter], loss: @escaping (Tape?) -> Variable) {
        self.parameters = parameters.filter(\.isTrainable)
        precondition(self.parameters.allSatisfy { $0.value.dtype == .f64 }, "directional check: parameters must be f64")
        self.loss = loss
        for parameter in self.parameters { parameter.gradient = nil }
        let tape = Tape()
        tape.backward(loss(tape))
        analytic = self.parameters.map { parameter in
            parameter.gradient?.doubles() ?? [Double](repeating: 0, count: parameter.value.count)
        }
        let squares = analytic.joined().reduce(0) { $0 + $1 * $1 }
        floor = 0.1 * (squares / Double(max(1, analytic.reduce(0) { $0 + $1.count }))).squareRoot() + 1e-12
    }

    /// The number of values that directions change.
    public var valueCount: Int { analytic.reduce(0) { $0 + $1.count } }

    /// Checks `count` directions, each a function of the seed and its number.
    public func randomDirections(_ count: Int, seed: UInt64 = 5) -> GradientCheck.Report {
        var report = GradientCheck.Report()
        for number in 0..<count {
            let direction = direction(seed, UInt64(number))
            let slope = zip(analytic, direction).reduce(0) { sum, pair in
                zip(pair.0, pair.1).reduce(sum) { $0 + $1.0 * $1.1 }
            }
            // One error a step size, until one is within the bound.
            var errors: [Double] = []
            for step in [3e-5, 1e-5, 3e-6, 3e-7] where !errors.contains(where: { $0 < Tolerance.directionalCheck }) {
                let numeric = (value(direction, step) - value(direction, -step)) / (2 * step)
                let error = abs(slope - numeric) / max(abs(slope), abs(numeric), floor)
                errors.append(error.isNaN ? .infinity : error)
            }
            let best = errors.min() ?? .infinity
            if best > report.worst {
                report.worst = best
                report.place = "direction \(number): slope \(slope), errors \(errors) from the largest step on"
            }
        }
        return report
    }

    private func direction(_ seed: UInt64, _ number: UInt64) -> [[Double]] {
        var stream = RandomStream(seed: seed, purpose: "directional check", number)
        let drawn = analytic.map { $0.map { _ in stream.normal() } }
        let length = drawn.joined().reduce(0) { $0 + $1 * $1 }.squareRoot()
        return drawn.map { $0.map { $0 / length } }
    }

    /// The loss at a distance along a direction; the parameters are as before afterwards.
    private func value(_ direction: [[Double]], _ step: Double) -> Double {
        let kept = parameters.map { $0.value.doubles() }
        defer {
            for (parameter, values) in zip(parameters, kept) {
                for i in values.indices { parameter.value.f64()[i] = values[i] }
            }
        }
        for (parameter, part) in zip(parameters, direction) {
            for i in part.indices { parameter.value.f64()[i] += step * part[i] }
        }
        return loss(nil).item()
    }
}
