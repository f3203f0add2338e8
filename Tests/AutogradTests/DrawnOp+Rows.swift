import Autograd
import TensorCore
import TestSupport

extension DrawnOp {
    private static func statistics(_ x: Variable, _ mean: [Double], _ variance: [Double]) -> BatchNormStatistics {
        let running = BatchNormStatistics(channels: mean.count, dtype: x.value.dtype)
        running.mean = x.like(mean, [mean.count])
        running.variance = x.like(variance, [mean.count])
        return running
    }

    static let rows: [DrawnOp] =
        products + [
            DrawnOp("softmax") { maker in
                let shape = maker.shape(rank: 1...4, upTo: 9)
                return OpCase(
                    "softmax of \(shape)", roundings: 64, slopeFloor: 0.02, inputs: { [$0.normal(shape, scale: 3)] },
                    apply: { $0[0].softmax() }
                ) { $0[0].mapRows(plainSoftmax) }
            },
            DrawnOp("logSoftmax") { maker in
                let shape = maker.shape(rank: 1...4, upTo: 9)
                return OpCase(
                    "logSoftmax of \(shape)", roundings: 64, slopeFloor: 0.02, inputs: { [$0.normal(shape, scale: 3)] },
                    apply: { $0[0].logSoftmax() }
                ) { $0[0].mapRows(plainLogSoftmax) }
            },
            DrawnOp("layerNorm") { maker in
                let shape = maker.shape(rank: 1...4, upTo: 9)
                let (columns, affine, relu) = (shape[shape.count - 1], maker.chance(0.6), maker.chance(0.3))
                // Two close values in a row without a large epsilon turn too sharply for differences.
                let epsilon = columns < 6 ? 0.25 : 1e-6
                return OpCase(
                    "layerNorm of \(shape), affine \(affine), ReLU \(relu)", roundings: 64 + shape.reduce(1, *),
                    inputs: { [$0.normal(shape)] + (affine ? [$0.normal(columns), $0.normal(columns)] : []) },
                    apply: {
                        $0[0].layerNorm(affine ? $0[1] : nil, affine ? $0[2] : nil, epsilon: epsilon, relu: relu)
                    }
                ) {
                    let rows = $0[0].mapRows { normalizedRow($0, epsilon) }
                    let result = affine ? plainAffine(rows, $0[1], $0[2]) : rows
                    return relu ? plainRectified(result) : result
                }
            },
            DrawnOp("normalized") { maker in
                let shape = maker.shape(rank: 1...3, upTo: 8) + [maker.size(2...9)]
                return OpCase(
                    "normalized \(shape)", roundings: 32, inputs: { [$0.awayFromZero(shape)] },
                    apply: { $0[0].normalized() }
                ) { $0[0].mapRows { row in row.map { $0 / row.reduce(0) { $0 + $1 * $1 }.squareRoot() } } }
            },
            DrawnOp("batchNorm") { maker in
                let shape = [maker.size(6...12)] + maker.shape(rank: 0...2, upTo: 3) + [maker.size(1...5)]
                let channels = shape[shape.count - 1]
                let (training, affine) = (maker.chance(0.6), maker.chance(0.7))
                let mean = maker.normal(channels).doubles()
                let variance = maker.uniform(channels, in: 0.5...3).doubles()
                return OpCase(
                    "batchNorm of \(shape), training \(training), affine \(affine)", roundings: 64 + shape.reduce(1, *),
                    inputs: { [$0.normal(shape)] + (affine ? [$0.normal(channels), $0.normal(channels)] : []) },
                    apply: {
                        $0[0].batchNorm(
                            affine ? $0[1] : nil, affine ? $0[2] : nil, running: statistics($0[0], mean, variance),
                            training: training)
                    }
                ) {
                    let rows = plainBatchNorm($0[0], given: training ? nil : (mean, variance))
                    return affine ? plainAffine(rows, $0[1], $0[2]) : rows
                }
            },
        ]

    private static let products: [DrawnOp] = [
        DrawnOp("linear") { maker in
            let rows = maker.shape(rank: 1...3, upTo: 5)
            let (depth, out) = (maker.size(1...9), maker.size(1...9))
            let (biased, added) = (maker.chance(0.6), maker.chance(0.4))
            let activation = maker.element(of: [Activation.none, .gelu, .relu])
            let function: @Sendable (Double) -> Double = {
                activation == .gelu ? plainGelu($0) : activation == .relu ? max($0, 0) : $0
            }
            return OpCase(
                "linear \(rows) \(depth) to \(out), \(activation), bias \(biased), residual \(added)",
                roundings: 64 + 2 * (depth + out + rows.reduce(1, *)),
                inputs: {
                    [$0.normal(rows + [depth]), $0.normal(out, depth)] + (biased ? [$0.normal(out)] : [])
                        + (added ? [$0.normal(rows + [out])] : [])
                },
                apply: {
                    $0[0].linear(
                        $0[1], biased ? $0[2] : nil, activation: activation, residual: added ? $0[$0.count - 1] : nil)
                }
            ) { plainLinear($0[0], $0[1], biased ? $0[2] : nil, function, added ? $0[$0.count - 1] : nil) }
        },
        DrawnOp("perceptron") { maker in
            let rows = maker.shape(rank: 1...3, upTo: 4)
            let (depth, hidden, out) = (maker.size(1...6), maker.size(1...9), maker.size(1...6))
            let added = maker.chance(0.5)
            return OpCase(
                "perceptron \(rows) \(depth), \(hidden), \(out), residual \(added)",
                roundings: 128 + 2 * (depth + hidden + out + rows.reduce(1, *)),
                inputs: {
                    [
                        $0.normal(rows + [depth]), $0.normal(hidden, depth), $0.normal(hidden),
                        $0.normal(out, hidden), $0.normal(out),
                    ] + (added ? [$0.normal(rows + [out])] : [])
                },
                apply: {
                    $0[0].perceptron(
                        ($0[1], $0[2]), ($0[3], $0[4]), activation: .gelu, residual: added ? $0[5] : nil)
                }
            ) {
                plainLinear(
                    plainLinear($0[0], $0[1], $0[2], plainGelu), $0[3], $0[4], { $0 }, added ? $0[5] : nil)
            }
        },
    ]
}
