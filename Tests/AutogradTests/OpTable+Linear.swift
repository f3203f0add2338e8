import Autograd
import TensorCore
import TestSupport

/// `act(x Wᵀ + b) + residual` by three loops.
func plainLinear(
    _ x: Plain, _ weight: Plain, _ bias: Plain? = nil, _ activation: (Double) -> Double = { $0 },
    _ residual: Plain? = nil
) -> Plain {
    let (outputs, inputs) = (weight.shape[0], weight.shape[1])
    var y = Plain(zeros: x.shape.dropLast() + [outputs])
    for r in 0..<x.rows {
        for o in 0..<outputs {
            var total = bias?.values[o] ?? 0
            for i in 0..<inputs { total += x.values[r * inputs + i] * weight.values[o * inputs + i] }
            y.values[r * outputs + o] = activation(total) + (residual?.values[r * outputs + o] ?? 0)
        }
    }
    return y
}

extension OpTable {
    static let linear: [OpCase] =
        [
            OpCase(
                "linear plain", roundings: 24, inputs: { [$0.normal(2, 3, 5), $0.normal(7, 5)] },
                apply: { $0[0].linear($0[1]) }
            ) { plainLinear($0[0], $0[1]) },
            OpCase(
                "linear bias", roundings: 24, inputs: { [$0.normal(2, 3, 5), $0.normal(7, 5), $0.normal(7)] },
                apply: { $0[0].linear($0[1], $0[2]) }
            ) { plainLinear($0[0], $0[1], $0[2]) },
            OpCase(
                "linear gelu with residual", roundings: 32,
                inputs: { [$0.normal(2, 3, 5), $0.normal(7, 5), $0.normal(7), $0.normal(2, 3, 7)] },
                apply: { $0[0].linear($0[1], $0[2], activation: .gelu, residual: $0[3]) }
            ) { plainLinear($0[0], $0[1], $0[2], plainGelu, $0[3]) },
            OpCase(
                "linear relu", roundings: 24, inputs: { [$0.normal(2, 3, 5), $0.normal(7, 5), $0.normal(7)] },
                apply: { $0[0].linear($0[1], $0[2], activation: .relu) }
            ) { plainLinear($0[0], $0[1], $0[2], { max($0, 0) }) },
            OpCase(
                "linear residual without bias", roundings: 24,
                inputs: { [$0.normal(4, 5), $0.normal(3, 5), $0.normal(4, 3)] },
                apply: { $0[0].linear($0[1], residual: $0[2]) }
            ) { plainLinear($0[0], $0[1], nil, { $0 }, $0[2]) },
            // A residual that is also the input: its two gradients add.
            OpCase(
                "linear residual of its own input", roundings: 24, inputs: { [$0.normal(4, 5), $0.normal(5, 5)] },
                apply: { $0[0].linear($0[1], residual: $0[0]) }
            ) { plainLinear($0[0], $0[1], nil, { $0 }, $0[0]) },
            OpCase(
                "perceptron gelu with the residual of its input", roundings: 64,
                inputs: { [$0.normal(2, 3, 5), $0.normal(7, 5), $0.normal(7), $0.normal(5, 7), $0.normal(5)] },
                apply: { $0[0].perceptron(($0[1], $0[2]), ($0[3], $0[4]), activation: .gelu, residual: $0[0]) }
            ) {
                plainLinear(plainLinear($0[0], $0[1], $0[2], plainGelu), $0[3], $0[4], { $0 }, $0[0])
            },
            OpCase(
                "perceptron relu of normalised rows", roundings: 96,
                inputs: { [$0.normal(4, 5), $0.normal(7, 5), $0.normal(7), $0.normal(3, 7), $0.normal(3)] },
                apply: { $0[0].layerNorm().perceptron(($0[1], $0[2]), ($0[3], $0[4]), activation: .relu) }
            ) {
                plainLinear(
                    plainLinear($0[0].mapRows { normalizedRow($0, 1e-6) }, $0[1], $0[2], { max($0, 0) }), $0[3], $0[4])
            },
        ]
        // Below, at and above the tiles of every path; more than one and more than two blocks of depth.
        + [(1, 1, 1), (13, 33, 17), (145, 31, 9), (5, 270, 6), (3, 12, 530), (37, 65, 257)].map { rows, out, depth in
            OpCase(
                "linear \(rows)x\(out)x\(depth)", roundings: 2 * max(rows, out, depth) + 16,
                inputs: { [$0.normal(rows, depth), $0.normal(out, depth), $0.normal(out)] },
                apply: { $0[0].linear($0[1], $0[2], activation: .gelu) }
            ) { plainLinear($0[0], $0[1], $0[2], plainGelu) }
        }
}
