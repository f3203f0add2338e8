import Autograd
import Determinism
import Foundation
import TensorCore
import TestSupport

func zipped(_ a: Plain, _ b: Plain, _ body: (Double, Double) -> Double) -> Plain {
    Plain(a.shape, zip(a.values, b.values).map(body))
}

func scalar(_ value: Double) -> Plain { Plain([], [value]) }

func plainGelu(_ x: Double) -> Double { 0.5 * x * (1 + erf(x / 2.0.squareRoot())) }

extension OpTable {
    static let elementwise: [OpCase] =
        [
            OpCase("adding", inputs: { [$0.normal(2, 3, 5), $0.normal(2, 3, 5)] }, apply: { $0[0] + $0[1] }) {
                zipped($0[0], $0[1], +)
            },
            // The same variable on both sides: two gradients meet at one place.
            OpCase("adding to itself", inputs: { [$0.normal(2, 7)] }, apply: { $0[0].adding($0[0]) }) {
                $0[0].map { $0 + $0 }
            },
            OpCase("- of two", inputs: { [$0.normal(3, 4), $0.normal(3, 4)] }, apply: { $0[0] - $0[1] }) {
                zipped($0[0], $0[1], -)
            },
            OpCase("scaled", inputs: { [$0.normal(2, 9)] }, apply: { $0[0].scaled(by: -1.75) }) {
                $0[0].map { -1.75 * $0 }
            },
            OpCase(
                "multiplied", inputs: { [$0.normal(2, 3, 5), $0.normal(2, 3, 5)] },
                apply: { $0[0].multiplied(by: $0[1]) }
            ) { zipped($0[0], $0[1], *) },
            OpCase("multiplied by itself", inputs: { [$0.normal(17)] }, apply: { $0[0].multiplied(by: $0[0]) }) {
                $0[0].map { $0 * $0 }
            },
            OpCase(
                "addingRows bias", inputs: { [$0.normal(2, 3, 5), $0.normal(5)] }, apply: { $0[0].addingRows($0[1]) },
                twin: addedRows),
            OpCase(
                "addingRows positions", roundings: 80, inputs: { [$0.normal(70, 3, 4), $0.normal(3, 4)] },
                apply: { $0[0].addingRows($0[1]) }, twin: addedRows),
            OpCase(
                "scalingColumns", inputs: { [$0.normal(3, 4, 5), $0.normal(5)] },
                apply: { $0[0].scalingColumns($0[1]) }
            ) { inputs in
                Plain(
                    inputs[0].shape, inputs[0].values.enumerated().map { $1 * inputs[1].values[$0 % 5] })
            },
            OpCase("silu", inputs: { [$0.normal(3, 37, scale: 2)] }, apply: { $0[0].silu() }) {
                $0[0].map { $0 / (1 + exp(-$0)) }
            },
            OpCase("gelu", inputs: { [$0.normal(3, 37, scale: 2)] }, apply: { $0[0].gelu() }) { $0[0].map(plainGelu) },
            OpCase("relu", inputs: { [$0.awayFromZero(3, 37)] }, apply: { $0[0].relu() }) { $0[0].map { max($0, 0) } },
            OpCase("sigmoid", inputs: { [$0.normal(3, 37, scale: 3)] }, apply: { $0[0].sigmoid() }) {
                $0[0].map { 1 / (1 + exp(-$0)) }
            },
            OpCase("sum", inputs: { [$0.normal(3, 5, 7)] }, apply: { $0[0].sum() }) {
                scalar($0[0].values.reduce(0, +))
            },
            OpCase("mean", inputs: { [$0.normal(3, 5, 7)] }, apply: { $0[0].mean() }) {
                scalar($0[0].values.reduce(0, +) / 105)
            },
            OpCase(
                "weightedSum", inputs: { [$0.normal(2, 3), $0.normal(4), $0.normal(5)] },
                apply: { .weightedSum([($0[0].sum(), 0.5), ($0[1].mean(), -3), ($0[2].sum(), 0)]) }
            ) { scalar(0.5 * $0[0].values.reduce(0, +) - 0.75 * $0[1].values.reduce(0, +)) },
            OpCase(
                "scaledRows", inputs: { [$0.normal(3, 2, 5)] }, apply: { $0[0].scaledRows([0.5, -2, 0]) }
            ) { x in Plain(x[0].shape, x[0].values.enumerated().map { $1 * [0.5, -2, 0][$0 / 10] }) },
            OpCase(
                "dropPath", inputs: { [$0.normal(9, 2, 5)] }, apply: { $0[0].dropPath(0.4, stream: stream) }
            ) { x in
                var draws = stream
                let factors = (0..<9).map { _ in draws.chance(0.4) ? 0 : 1 / 0.6 }
                return Plain(x[0].shape, x[0].values.enumerated().map { $1 * factors[$0 / 10] })
            },
            OpCase("dropout", inputs: { [$0.normal(3, 4, 5)] }, apply: { $0[0].dropout(0.3, stream: stream) }) { x in
                var draws = stream
                return x[0].map { draws.chance(0.3) ? 0 : $0 / 0.7 }
            },
            OpCase(
                "dropout channelwise", inputs: { [$0.normal(2, 3, 4, 5)] },
                apply: { $0[0].dropout(0.3, stream: stream, channelwise: true) }
            ) { x in
                var draws = stream
                let factors = (0..<10).map { _ in draws.chance(0.3) ? 0 : 1 / 0.7 }
                return Plain(
                    x[0].shape, x[0].values.enumerated().map { $1 * factors[$0 / 60 * 5 + $0 % 5] })
            },
        ]
        // More than one block of 32768 values.
        + [
            OpCase("gelu of several blocks", inputs: { [$0.normal(3, 33001)] }, apply: { $0[0].gelu() }) {
                $0[0].map(plainGelu)
            }
        ]

    private static let stream = RandomStream(seed: 5, purpose: "mask", 3)

    @Sendable private static func addedRows(_ x: [Plain]) -> Plain {
        Plain(x[0].shape, x[0].values.enumerated().map { $1 + x[1].values[$0 % x[1].values.count] })
    }
}
