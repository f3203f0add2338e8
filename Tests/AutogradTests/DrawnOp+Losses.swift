import Autograd
import Foundation
import TensorCore
import TestSupport

extension DrawnOp {
    /// Weights of rows, not all zero; nil half of the time.
    private static func rowWeights(_ maker: inout TensorMaker, _ rows: Int) -> [Float]? {
        maker.chance(0.5) ? nil : [1.5] + (1..<rows).map { _ in maker.element(of: [0, 0.5, 1, 3]) }
    }

    private static func mean(_ values: [Double], _ weights: [Float]?) -> Plain {
        OpTable.weightedMean(values, weights ?? [Float](repeating: 1, count: values.count))
    }

    static let losses: [DrawnOp] = classes + elements + rowLosses

    private static let classes: [DrawnOp] = [
        DrawnOp("crossEntropy") { maker in
            let (rows, columns) = (maker.size(1...12), maker.size(1...12))
            let labels = maker.labels(rows, below: columns, ignore: -1)
            let divisor = maker.chance(0.3) ? 2.5 : nil
            return OpCase(
                "crossEntropy \(rows)x\(columns)", roundings: 128, slopeFloor: 0.02,
                inputs: { [$0.normal(rows, columns, scale: 2)] },
                apply: { $0[0].crossEntropy(labels: labels, divisor: divisor) }
            ) { OpTable.meanCrossEntropy($0[0], labels, divisor: divisor) }
        },
        DrawnOp("resizedCrossEntropy") { maker in
            let shape = [maker.size(1...2), maker.size(1...20), maker.size(1...4), maker.size(1...5)]
            let (height, width) = (maker.size(1...24), maker.size(1...6))
            let labels = maker.labels(shape[0] * height * width, below: shape[3], ignore: -1)
            let divisor = maker.chance(0.3) ? 2.5 : nil
            return OpCase(
                "resizedCrossEntropy \(shape) to \(height)x\(width)", roundings: 256, slopeFloor: 0.02,
                inputs: { [$0.normal(shape, scale: 2)] },
                apply: { $0[0].resizedCrossEntropy(to: (height, width), labels: labels, divisor: divisor) }
            ) { OpTable.meanCrossEntropy(plainBilinear($0[0], height, width), labels, divisor: divisor) }
        },
        DrawnOp("softCrossEntropy") { maker in
            let (rows, columns) = (maker.size(1...8), maker.size(1...12))
            let targets = maker.distributions(rows, columns).doubles()
            let weights = rowWeights(&maker, rows)
            return OpCase(
                "softCrossEntropy \(rows)x\(columns)", roundings: 128, slopeFloor: 0.02,
                inputs: { [$0.normal(rows, columns, scale: 2)] },
                apply: { $0[0].softCrossEntropy(targets: $0[0].like(targets, [rows, columns]), rowWeights: weights) }
            ) { x in
                let values = OpTable.slices(x[0]).enumerated().map { r, row in
                    zip(plainLogSoftmax(row[...]), targets[(r * columns)...]).reduce(0.0) { $0 - $1.0 * $1.1 }
                }
                return mean(values, weights)
            }
        },
    ]

    private static let elements: [DrawnOp] = [
        DrawnOp("smoothL1") { maker in
            let (shape, beta) = (maker.shape(rank: 1...3, upTo: 6), maker.element(of: [0, 0.1, 5]))
            let target = maker.normal(shape).doubles()
            let weights = maker.chance(0.5) ? maker.uniform(shape, in: 0...2).doubles() : nil
            let divisor = maker.chance(0.5) ? 3.5 : nil
            return OpCase(
                "smoothL1 \(shape) beta \(beta)", roundings: 128,
                inputs: { [Elementwise.sum($0.awayFromZero(shape), Tensor(target, shape))] },
                apply: { x in
                    x[0].smoothL1(
                        x[0].like(target, shape), beta: beta, elementWeights: weights.map { x[0].like($0, shape) },
                        divisor: divisor)
                }
            ) { x in
                let terms = x[0].values.indices.map {
                    (weights?[$0] ?? 1) * OpTable.huber(x[0].values[$0] - target[$0], beta)
                }
                return scalar(terms.reduce(0, +) / (divisor ?? Double(terms.count)))
            }
        },
        DrawnOp("bceWithLogits") { maker in
            let shape = maker.shape(rank: 1...3, upTo: 6)
            let target = maker.uniform(shape, in: 0...1).doubles()
            let weights = maker.chance(0.5) ? maker.uniform(shape, in: 0...2).doubles() : nil
            let divisor = maker.chance(0.5) ? 3.5 : nil
            return OpCase(
                "bceWithLogits \(shape)", roundings: 128, slopeFloor: 0.02, inputs: { [$0.normal(shape, scale: 4)] },
                apply: { x in
                    x[0].bceWithLogits(
                        targets: x[0].like(target, shape), elementWeights: weights.map { x[0].like($0, shape) },
                        divisor: divisor)
                }
            ) { x in
                let terms = x[0].values.indices.map { i in
                    let p = 1 / (1 + exp(-x[0].values[i]))
                    return (weights?[i] ?? 1) * -(target[i] * log(p) + (1 - target[i]) * log(1 - p))
                }
                return scalar(terms.reduce(0, +) / (divisor ?? Double(terms.count)))
            }
        },
    ]

    private static let rowLosses: [DrawnOp] = [
        DrawnOp("meanSquaredError") { maker in
            let (rows, columns) = (maker.size(1...8), maker.size(1...12))
            let (target, weights) = (maker.normal(rows, columns).doubles(), rowWeights(&maker, rows))
            return OpCase(
                "meanSquaredError \(rows)x\(columns)", roundings: 128, inputs: { [$0.normal(rows, columns)] },
                apply: { $0[0].meanSquaredError($0[0].like(target, [rows, columns]), rowWeights: weights) }
            ) { x in
                let values = OpTable.slices(x[0]).enumerated().map { r, row in
                    zip(row, target[(r * columns)...]).reduce(0.0) { $0 + pow($1.0 - $1.1, 2) } / Double(columns)
                }
                return mean(values, weights)
            }
        },
        DrawnOp("cosineLoss") { maker in
            let (rows, columns) = (maker.size(1...8), maker.size(2...12))
            let (target, weights) = (maker.awayFromZero(rows, columns).doubles(), rowWeights(&maker, rows))
            return OpCase(
                "cosineLoss \(rows)x\(columns)", roundings: 128, inputs: { [$0.awayFromZero(rows, columns)] },
                apply: { $0[0].cosineLoss($0[0].like(target, [rows, columns]), rowWeights: weights) }
            ) { x in
                let values = OpTable.slices(x[0]).enumerated().map { r, row in
                    let other = target[r * columns..<(r + 1) * columns]
                    let inner = zip(row, other).reduce(0.0) { $0 + $1.0 * $1.1 }
                    let lengths = row.reduce(0) { $0 + $1 * $1 } * other.reduce(0) { $0 + $1 * $1 }
                    return 1 - inner / lengths.squareRoot()
                }
                return mean(values, weights)
            }
        },
    ]
}
