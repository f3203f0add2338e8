import Autograd
import Foundation
import TensorCore
import TestSupport

extension OpTable {
    private static func draw<T>(_ purpose: String, _ body: (inout TensorMaker) -> T) -> T {
        var maker = TensorMaker(purpose)
        return body(&maker)
    }

    static func weightedMean(_ rows: [Double], _ weights: [Float]) -> Plain {
        scalar(zip(rows, weights).reduce(0) { $0 + $1.0 * Double($1.1) } / weights.reduce(0) { $0 + Double($1) })
    }

    static func slices(_ x: Plain) -> [[Double]] {
        (0..<x.rows).map { Array(x.values[$0 * x.columns..<($0 + 1) * x.columns]) }
    }

    private static let rowWeights: [Float] = [0.5, 0, 2, 1, 0.25, 3]
    private static let ones = [Float](repeating: 1, count: 6)

    static let losses: [OpCase] = crossEntropies + resizedCrossEntropies + elementLosses + rowLosses

    private static let crossEntropies: [OpCase] =
        [(13, 9), (1, 2), (5, 70), (300, 65)].map { rows, columns in
            let labels = draw("labels \(rows)") { $0.labels(rows, below: columns, ignore: -1) }
            return OpCase(
                "crossEntropy \(rows)x\(columns)", roundings: 64, inputs: { [$0.normal(rows, columns, scale: 2)] },
                apply: { $0[0].crossEntropy(labels: labels) }
            ) { meanCrossEntropy($0[0], labels) }
        }
        + [rowWeights, nil].map { weights in
            let targets = draw("targets") { $0.distributions(6, 9).doubles() }
            return OpCase(
                "softCrossEntropy" + (weights == nil ? "" : " weighted"), roundings: 64,
                inputs: { [$0.normal(6, 9, scale: 2)] },
                apply: { $0[0].softCrossEntropy(targets: $0[0].like(targets, [6, 9]), rowWeights: weights) }
            ) { x in
                let rows = slices(x[0]).enumerated().map { r, row in
                    zip(plainLogSoftmax(row[...]), targets[r * 9..<(r + 1) * 9]).reduce(0.0) { $0 - $1.0 * $1.1 }
                }
                return weightedMean(rows, weights ?? ones)
            }
        }

    /// Maps of more and of fewer lines than bands, to larger, smaller and equal sizes.
    private static let resizedCrossEntropies: [OpCase] = [
        (3, 5, 7, 11), (9, 8, 4, 3), (40, 3, 90, 5), (37, 2, 19, 4), (1, 1, 3, 2), (5, 1, 1, 4), (4, 4, 4, 4),
    ].map { height, width, newHeight, newWidth in
        let (name, pixels) = ("\(height)x\(width) to \(newHeight)x\(newWidth)", 2 * newHeight * newWidth)
        let labels = draw("labels \(name)") { $0.labels(pixels, below: 6, ignore: -1) }
        return OpCase(
            "resizedCrossEntropy \(name)", roundings: 128, inputs: { [$0.normal(2, height, width, 6, scale: 2)] },
            apply: { $0[0].resizedCrossEntropy(to: (newHeight, newWidth), labels: labels) }
        ) { meanCrossEntropy(plainBilinear($0[0], newHeight, newWidth), labels) }
    }

    static func meanCrossEntropy(_ logits: Plain, _ labels: [Int32], divisor: Double? = nil) -> Plain {
        let kept = zip(slices(logits), labels).filter { $0.1 >= 0 }
        let total = kept.reduce(0.0) { $0 - plainLogSoftmax($1.0[...])[Int($1.1)] }
        return scalar(kept.isEmpty ? 0 : total / (divisor ?? Double(kept.count)))
    }

    static func huber(_ d: Double, _ beta: Double) -> Double {
        abs(d) < beta ? d * d / (2 * beta) : abs(d) - beta / 2
    }

    // Differences of 0.2 to 2 from the target: away from the kinks at 0 and at 0.1; 5 makes all quadratic.
    private static let elementLosses: [OpCase] =
        [0.1, 5, 0].flatMap { beta in
            [true, false].map { weighted in
                let target = draw("target") { $0.normal(4, 7).doubles() }
                let weights = draw("weights") { $0.uniform(4, 7, in: 0...2).doubles() }
                return OpCase(
                    "smoothL1 beta \(beta)" + (weighted ? " weighted" : ""), roundings: 64,
                    inputs: { [Elementwise.sum($0.awayFromZero(4, 7), Tensor(target, [4, 7]))] },
                    apply: {
                        $0[0].smoothL1(
                            $0[0].like(target, [4, 7]), beta: beta,
                            elementWeights: weighted ? $0[0].like(weights, [4, 7]) : nil, divisor: weighted ? 3 : nil)
                    }
                ) { x in
                    let terms = x[0].values.indices.map {
                        (weighted ? weights[$0] : 1) * huber(x[0].values[$0] - target[$0], beta)
                    }
                    return scalar(terms.reduce(0, +) / (weighted ? 3 : 28))
                }
            }
        }
        + [true, false].map { weighted in
            let target = draw("target") { $0.uniform(4, 7, in: 0...1).doubles() }
            let weights = draw("weights") { $0.uniform(4, 7, in: 0...2).doubles() }
            return OpCase(
                "bceWithLogits" + (weighted ? " weighted" : ""), roundings: 64, inputs: { [$0.normal(4, 7, scale: 4)] },
                apply: {
                    $0[0].bceWithLogits(
                        targets: $0[0].like(target, [4, 7]),
                        elementWeights: weighted ? $0[0].like(weights, [4, 7]) : nil, divisor: weighted ? 3 : nil)
                }
            ) { x in
                let terms = x[0].values.indices.map { i in
                    let p = 1 / (1 + exp(-x[0].values[i]))
                    return (weighted ? weights[i] : 1) * -(target[i] * log(p) + (1 - target[i]) * log(1 - p))
                }
                return scalar(terms.reduce(0, +) / (weighted ? 3 : 28))
            }
        }
        // Several blocks of 32768 values.
        + [
            OpCase(
                "bceWithLogits of several blocks", roundings: 64, inputs: { [$0.normal(70001)] },
                apply: { $0[0].bceWithLogits(targets: Tensor.full([70001], 0.25, $0[0].value.dtype), divisor: 500) }
            ) { x in scalar(x[0].values.reduce(0.0) { $0 + log(1 + exp($1)) - 0.25 * $1 } / 500) }
        ]

    private static let rowLosses: [OpCase] = [rowWeights, nil].flatMap { weights in
        let target = draw("target rows") { $0.normal(6, 11).doubles() }
        let suffix = weights == nil ? "" : " weighted"
        return [
            OpCase(
                "meanSquaredError" + suffix, roundings: 64, inputs: { [$0.normal(2, 3, 11)] },
                apply: { $0[0].meanSquaredError($0[0].like(target, [6, 11]), rowWeights: weights) }
            ) { x in
                let rows = slices(x[0]).enumerated().map { r, row in
                    row.enumerated().reduce(0.0) { $0 + pow($1.element - target[r * 11 + $1.offset], 2) } / 11
                }
                return weightedMean(rows, weights ?? ones)
            },
            OpCase(
                "cosineLoss" + suffix, roundings: 64, inputs: { [$0.normal(2, 3, 11)] },
                apply: { $0[0].cosineLoss($0[0].like(target, [6, 11]), rowWeights: weights) }
            ) { x in
                let rows = slices(x[0]).enumerated().map { r, row in
                    let other = target[r * 11..<(r + 1) * 11]
                    let inner = zip(row, other).reduce(0.0) { $0 + $1.0 * $1.1 }
                    let lengths = row.reduce(0) { $0 + $1 * $1 } * other.reduce(0) { $0 + $1 * $1 }
                    return 1 - inner / lengths.squareRoot()
                }
                return weightedMean(rows, weights ?? ones)
            },
        ]
    }
}
