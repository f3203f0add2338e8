import Autograd
import Determinism
import Foundation
import TensorCore
import TestSupport

extension DrawnOp {
    /// One input of any shape, each value on its own.
    private static func pointwise(
        _ name: String, scale: Double = 2, awayFromZero: Bool = false,
        _ apply: @escaping @Sendable (Variable) -> Variable, _ twin: @escaping @Sendable (Double) -> Double
    ) -> DrawnOp {
        DrawnOp(name) { maker in
            let shape = maker.shape(rank: 1...4, upTo: 6)
            return OpCase(
                "\(name) \(shape)", slopeFloor: 0.02,
                inputs: { [awayFromZero ? $0.awayFromZero(shape) : $0.normal(shape, scale: scale)] },
                apply: { apply($0[0]) }
            ) { $0[0].map(twin) }
        }
    }

    private static func pairwise(
        _ name: String, _ apply: @escaping @Sendable (Variable, Variable) -> Variable,
        _ twin: @escaping @Sendable (Double, Double) -> Double
    ) -> DrawnOp {
        DrawnOp(name) { maker in
            let shape = maker.shape(rank: 1...4, upTo: 6)
            return OpCase(
                "\(name) \(shape)", inputs: { [$0.normal(shape), $0.normal(shape)] }, apply: { apply($0[0], $0[1]) }
            ) { zipped($0[0], $0[1], twin) }
        }
    }

    static let elementwise: [DrawnOp] = [
        pairwise("adding", { $0 + $1 }, +),
        pairwise("- of two", { $0 - $1 }, -),
        pairwise("multiplied", { $0.multiplied(by: $1) }, *),
        pointwise("silu", { $0.silu() }) { $0 / (1 + exp(-$0)) },
        pointwise("gelu", { $0.gelu() }, plainGelu),
        pointwise("relu", awayFromZero: true, { $0.relu() }) { max($0, 0) },
        pointwise("sigmoid", scale: 3, { $0.sigmoid() }) { 1 / (1 + exp(-$0)) },
        DrawnOp("scaled") { maker in
            let (shape, factor) = (maker.shape(rank: 1...4, upTo: 6), maker.element(of: [-1.75, 0, 1, 3.5]))
            return OpCase(
                "scaled \(shape) by \(factor)", inputs: { [$0.normal(shape)] }, apply: { $0[0].scaled(by: factor) }
            ) { $0[0].map { factor * $0 } }
        },
        DrawnOp("addingRows") { maker in
            let shape = maker.shape(rank: 2...4, upTo: 6)
            let row = Array(shape.suffix(maker.size(1...shape.count - 1)))
            return OpCase(
                "addingRows \(row) to \(shape)", roundings: 8 + shape.reduce(1, *),
                inputs: { [$0.normal(shape), $0.normal(row)] }, apply: { $0[0].addingRows($0[1]) }
            ) { x in Plain(shape, x[0].values.enumerated().map { $1 + x[1].values[$0 % x[1].values.count] }) }
        },
        DrawnOp("scalingColumns") { maker in
            let shape = maker.shape(rank: 2...4, upTo: 6)
            let columns = shape[shape.count - 1]
            return OpCase(
                "scalingColumns of \(shape)", roundings: 8 + shape.reduce(1, *),
                inputs: { [$0.normal(shape), $0.normal(columns)] }, apply: { $0[0].scalingColumns($0[1]) }
            ) { x in Plain(shape, x[0].values.enumerated().map { $1 * x[1].values[$0 % columns] }) }
        },
        DrawnOp("sum") { maker in
            let shape = maker.shape(rank: 1...4, upTo: 6)
            return OpCase(
                "sum of \(shape)", roundings: 8 + shape.reduce(1, *), inputs: { [$0.normal(shape)] },
                apply: { $0[0].sum() }
            ) { scalar($0[0].values.reduce(0, +)) }
        },
        DrawnOp("mean") { maker in
            let shape = maker.shape(rank: 1...4, upTo: 6)
            return OpCase(
                "mean of \(shape)", roundings: 8 + shape.reduce(1, *), inputs: { [$0.normal(shape)] },
                apply: { $0[0].mean() }
            ) { scalar($0[0].values.reduce(0, +) / Double($0[0].values.count)) }
        },
        DrawnOp("weightedSum") { maker in
            let shapes = (0..<maker.size(1...4)).map { _ in maker.shape(rank: 1...3, upTo: 5) }
            let weights = shapes.map { _ in maker.element(of: [0.5, -3, 1, 2]) }
            return OpCase(
                "weightedSum of \(shapes)", roundings: 8 + shapes.reduce(0) { $0 + $1.reduce(1, *) },
                inputs: { maker in shapes.map { maker.normal($0) } },
                apply: { .weightedSum(zip($0, weights).map { ($0.sum(), $1) }) }
            ) { scalar(zip($0, weights).reduce(0) { $0 + $1.1 * $1.0.values.reduce(0, +) }) }
        },
    ]

    static let masks: [DrawnOp] = [
        DrawnOp("scaledRows") { maker in
            let shape = maker.shape(rank: 1...4, upTo: 6)
            let factors = (0..<shape[0]).map { _ in maker.element(of: [0.5, -2, 0, 1]) }
            return OpCase(
                "scaledRows of \(shape)", inputs: { [$0.normal(shape)] }, apply: { $0[0].scaledRows(factors) }
            ) { x in scaled(x[0], factors) }
        },
        DrawnOp("dropPath") { maker in
            let shape = maker.shape(rank: 1...4, upTo: 6)
            let stream = RandomStream(seed: UInt64(maker.size(0...999)), purpose: "drawn path")
            return OpCase(
                "dropPath of \(shape)", inputs: { [$0.normal(shape)] }, apply: { $0[0].dropPath(0.4, stream: stream) }
            ) { x in
                var draws = stream
                return scaled(x[0], (0..<shape[0]).map { _ in draws.chance(0.4) ? 0 : 1 / 0.6 })
            }
        },
        DrawnOp("dropout") { maker in
            let shape = maker.shape(rank: 1...4, upTo: 6)
            let stream = RandomStream(seed: UInt64(maker.size(0...999)), purpose: "drawn mask")
            return OpCase(
                "dropout of \(shape)", inputs: { [$0.normal(shape)] }, apply: { $0[0].dropout(0.3, stream: stream) }
            ) { x in
                var draws = stream
                return x[0].map { draws.chance(0.3) ? 0 : $0 / 0.7 }
            }
        },
        DrawnOp("dropout channelwise") { maker in
            let shape = maker.shape(rank: 4...4, upTo: 5)
            let stream = RandomStream(seed: UInt64(maker.size(0...999)), purpose: "drawn channels")
            return OpCase(
                "dropout channelwise of \(shape)", inputs: { [$0.normal(shape)] },
                apply: { $0[0].dropout(0.3, stream: stream, channelwise: true) }
            ) { x in
                var draws = stream
                let factors = (0..<shape[0] * shape[3]).map { _ in draws.chance(0.3) ? 0 : 1 / 0.7 }
                let plane = shape[1] * shape[2] * shape[3]
                return Plain(
                    shape, x[0].values.enumerated().map { $1 * factors[$0 / plane * shape[3] + $0 % shape[3]] })
            }
        },
    ]

    private static func scaled(_ x: Plain, _ factors: [Double]) -> Plain {
        let row = x.values.count / x.shape[0]
        return Plain(x.shape, x.values.enumerated().map { $1 * factors[$0 / row] })
    }
}
