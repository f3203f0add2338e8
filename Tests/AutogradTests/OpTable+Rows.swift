import Autograd
import Foundation
import TensorCore
import TestSupport

func plainSoftmax(_ row: ArraySlice<Double>) -> [Double] {
    let top = row.max()!
    let exponentials = row.map { exp($0 - top) }
    let total = exponentials.reduce(0, +)
    return exponentials.map { $0 / total }
}

func plainLogSoftmax(_ row: ArraySlice<Double>) -> [Double] {
    let top = row.max()!
    let shift = top + log(row.reduce(0) { $0 + exp($1 - top) })
    return row.map { $0 - shift }
}

/// `softmax(q kᵀ / √d + bias) v` by loops; a bias of three axes serves all pictures.
func plainAttention(_ qkv: Plain, heads: Int, bias: Plain? = nil) -> Plain {
    let (pictures, tokens, width) = (qkv.shape[0], qkv.shape[1], qkv.shape[2] / 3)
    let dim = width / heads
    var out = Plain(zeros: [pictures, tokens, width])
    for n in 0..<pictures {
        for h in 0..<heads {
            for i in 0..<tokens {
                let scores = (0..<tokens).map { j in
                    let product = (0..<dim).reduce(0.0) {
                        $0 + qkv[n, i, h * dim + $1] * qkv[n, j, width + h * dim + $1]
                    }
                    let shift = bias.map { $0.shape.count == 3 ? $0[h, i, j] : $0[n, h, i, j] } ?? 0
                    return product / Double(dim).squareRoot() + shift
                }
                let weights = plainSoftmax(scores[...])
                for d in 0..<dim {
                    out[n, i, h * dim + d] = (0..<tokens).reduce(0.0) {
                        $0 + weights[$1] * qkv[n, $1, 2 * width + h * dim + d]
                    }
                }
            }
        }
    }
    return out
}

func normalizedRow(_ row: ArraySlice<Double>, _ epsilon: Double) -> [Double] {
    let mean = row.reduce(0, +) / Double(row.count)
    let variance = row.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(row.count)
    return row.map { ($0 - mean) / (variance + epsilon).squareRoot() }
}

/// Normalises each column by its own mean and biased variance, or by given ones.
func plainBatchNorm(_ x: Plain, given: (mean: [Double], variance: [Double])? = nil) -> Plain {
    var y = x
    for c in 0..<x.columns {
        let column = (0..<x.rows).map { x.values[$0 * x.columns + c] }
        let mean = given?.mean[c] ?? column.reduce(0, +) / Double(x.rows)
        let variance = given?.variance[c] ?? column.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(x.rows)
        for r in 0..<x.rows { y.values[r * x.columns + c] = (column[r] - mean) / (variance + 1e-5).squareRoot() }
    }
    return y
}

func plainAffine(_ x: Plain, _ gamma: Plain, _ beta: Plain) -> Plain {
    Plain(
        x.shape,
        x.values.enumerated().map { $1 * gamma.values[$0 % x.columns] + beta.values[$0 % x.columns] })
}

/// NaN stays NaN.
func plainRectified(_ x: Plain) -> Plain { x.map { $0 <= 0 ? 0 : $0 } }

extension OpTable {
    private static let runningMean = [0.25, -0.5, 1.5, 0, 2]
    private static let runningVariance = [0.5, 1, 2.5, 0.75, 3]

    @Sendable private static func statistics(_ x: Variable) -> BatchNormStatistics {
        let running = BatchNormStatistics(channels: x.shape[x.shape.count - 1], dtype: x.value.dtype)
        if running.mean.count == 5 {
            running.mean = x.like(runningMean, [5])
            running.variance = x.like(runningVariance, [5])
        }
        return running
    }

    static let rows: [OpCase] =
        [(6, 23), (2, 1), (3, 16), (1, 5), (4, 1000)].flatMap { rows, columns in
            [
                OpCase(
                    "softmax \(rows)x\(columns)", roundings: 64,
                    inputs: { [$0.normal(2, rows, columns, scale: 3)] }, apply: { $0[0].softmax() }
                ) { $0[0].mapRows(plainSoftmax) },
                OpCase(
                    "logSoftmax \(rows)x\(columns)", roundings: 64,
                    inputs: { [$0.normal(2, rows, columns, scale: 3)] }, apply: { $0[0].logSoftmax() }
                ) { $0[0].mapRows(plainLogSoftmax) },
            ]
        }
        + [
            OpCase("layerNorm", roundings: 32, inputs: { [$0.normal(2, 3, 19)] }, apply: { $0[0].layerNorm() }) {
                $0[0].mapRows { normalizedRow($0, 1e-6) }
            },
            OpCase(
                "layerNorm affine", roundings: 32, inputs: { [$0.normal(2, 3, 19), $0.normal(19), $0.normal(19)] },
                apply: { $0[0].layerNorm($0[1], $0[2], epsilon: 0.25) }
            ) { plainAffine($0[0].mapRows { normalizedRow($0, 0.25) }, $0[1], $0[2]) },
            // More rows than 32 blocks of 64: every reduction block has several lines.
            OpCase(
                "layerNorm of many rows", roundings: 256,
                inputs: { [$0.normal(64 * 32 + 77, 3), $0.normal(3), $0.normal(3)] },
                apply: { $0[0].layerNorm($0[1], $0[2], epsilon: 0.25) }
            ) { plainAffine($0[0].mapRows { normalizedRow($0, 0.25) }, $0[1], $0[2]) },
            // Parts of 8,192 values and a rest in each block of rows.
            OpCase(
                "layerNorm and ReLU", roundings: 256,
                inputs: { [$0.normal(70, 200), $0.normal(200), $0.normal(200)] },
                apply: { $0[0].layerNorm($0[1], $0[2], relu: true) }
            ) { plainRectified(plainAffine($0[0].mapRows { normalizedRow($0, 1e-6) }, $0[1], $0[2])) },
            // A shift far above the spread: one pass of sums of squares would cancel.
            OpCase(
                "layerNorm of shifted rows", roundings: 4096,
                inputs: { [Elementwise.sum($0.normal(3, 40), Tensor.full([3, 40], 64, .f64))] },
                apply: { $0[0].layerNorm() }
            ) { $0[0].mapRows { normalizedRow($0, 1e-6) } },
            OpCase("normalized", roundings: 16, inputs: { [$0.normal(2, 3, 19)] }, apply: { $0[0].normalized() }) {
                $0[0].mapRows { row in row.map { $0 / row.reduce(0) { $0 + $1 * $1 }.squareRoot() } }
            },
            // Rows shorter than epsilon are divided by a constant.
            OpCase(
                "normalized short rows", roundings: 16, inputs: { [$0.normal(4, 6, scale: 0.05)] },
                apply: { $0[0].normalized(epsilon: 1) }
            ) { $0[0] },
            OpCase(
                "batchNorm training", roundings: 64, inputs: { [$0.normal(2, 3, 4, 5), $0.normal(5), $0.normal(5)] },
                apply: { $0[0].batchNorm($0[1], $0[2], running: statistics($0[0]), training: true) }
            ) { plainAffine(plainBatchNorm($0[0]), $0[1], $0[2]) },
            OpCase(
                "batchNorm training without affine", roundings: 64, inputs: { [$0.normal(11, 5)] },
                apply: { $0[0].batchNorm(nil, nil, running: statistics($0[0]), training: true) }
            ) { plainBatchNorm($0[0]) },
            OpCase(
                "batchNorm evaluation", roundings: 64, inputs: { [$0.normal(2, 3, 4, 5), $0.normal(5), $0.normal(5)] },
                apply: { $0[0].batchNorm($0[1], $0[2], running: statistics($0[0]), training: false) }
            ) { plainAffine(plainBatchNorm($0[0], given: (runningMean, runningVariance)), $0[1], $0[2]) },
            OpCase(
                "batchNorm with ReLU", roundings: 64, inputs: { [$0.normal(2, 3, 4, 5), $0.normal(5), $0.normal(5)] },
                apply: { $0[0].batchNorm($0[1], $0[2], running: statistics($0[0]), training: true, relu: true) }
            ) { plainAffine(plainBatchNorm($0[0]), $0[1], $0[2]).map { max($0, 0) } },
            OpCase(
                "batchNorm of many rows", roundings: 256,
                inputs: { [$0.normal(3, 1100, 2), $0.normal(2), $0.normal(2)] },
                apply: { $0[0].batchNorm($0[1], $0[2], running: statistics($0[0]), training: true) }
            ) { plainAffine(plainBatchNorm($0[0]), $0[1], $0[2]) },
        ]
        // One token; below and at a block of query rows; several blocks with a ragged last; head sizes off the vector.
        + [
            (2, 1, 2, 3), (2, 5, 3, 4), (1, 48, 1, 8), (2, 53, 1, 6), (1, 101, 2, 17), (2, 37, 2, 32), (3, 16, 1, 1),
        ].map { pictures, tokens, heads, dim in
            OpCase(
                "attention N\(pictures) T\(tokens) h\(heads) d\(dim)", roundings: 2 * tokens + 4 * dim + 32,
                inputs: { [$0.normal(pictures, tokens, 3 * heads * dim)] }, apply: { $0[0].attention(heads: heads) }
            ) { plainAttention($0[0], heads: heads) }
        }
}
