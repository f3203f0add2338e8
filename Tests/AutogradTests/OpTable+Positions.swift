import Autograd
import TensorCore
import TestSupport

func plainPositionBias(_ qkv: Plain, _ rows: Plain, _ columns: Plain, heads: Int) -> Plain {
    let (pictures, tokens) = (qkv.shape[0], qkv.shape[1])
    let (height, width, dim) = (rows.shape[0], columns.shape[0], rows.shape[2])
    var out = Plain(zeros: [pictures, heads, tokens, tokens])
    for n in 0..<pictures {
        for h in 0..<heads {
            for i in 0..<height * width {
                for j in 0..<height * width {
                    out[n, h, i, j] = (0..<dim).reduce(0.0) { sum, c in
                        sum + qkv[n, i, h * dim + c]
                            * (rows[i / width, j / width, c] + columns[i % width, j % width, c])
                    }
                }
            }
        }
    }
    return out
}

extension OpTable {
    static var positions: [OpCase] {
        [(2, 5, 3, 4, true), (2, 7, 2, 3, false), (1, 1, 1, 2, true)].map { pictures, tokens, heads, dim, isShared in
            OpCase(
                "attention(bias:) N\(pictures) T\(tokens) h\(heads) d\(dim), shared \(isShared)",
                roundings: 2 * tokens + 4 * dim + 32,
                inputs: {
                    [
                        $0.normal(pictures, tokens, 3 * heads * dim),
                        isShared ? $0.normal(heads, tokens, tokens) : $0.normal(pictures, heads, tokens, tokens),
                    ]
                }, apply: { $0[0].attention(heads: heads, bias: $0[1]) }
            ) { plainAttention($0[0], heads: heads, bias: $0[1]) }
        }
            + [(2, 2, 3, 2, 4), (1, 3, 2, 1, 5), (2, 1, 4, 3, 1)].map { pictures, height, width, heads, dim in
                OpCase(
                    "decomposedPositionBias N\(pictures) \(height)x\(width) h\(heads) d\(dim)", roundings: 2 * dim + 8,
                    inputs: {
                        [
                            $0.normal(pictures, height * width, 3 * heads * dim), $0.normal(height, height, dim),
                            $0.normal(width, width, dim),
                        ]
                    }, apply: { $0[0].decomposedPositionBias(heads: heads, rows: $0[1], columns: $0[2]) }
                ) { plainPositionBias($0[0], $0[1], $0[2], heads: heads) }
            }
    }
}
