import Autograd
import TensorCore
import TestSupport

extension DrawnOp {
    private static func tokenCount(_ maker: inout TensorMaker) -> Int { maker.chance(0.2) ? 1 : maker.size(2...9) }

    static let attention: [DrawnOp] = [
        DrawnOp("attention") { maker in
            let (pictures, heads, dim) = (maker.size(1...3), maker.size(1...3), maker.size(1...5))
            let tokens = maker.chance(0.1) ? maker.size(49...60) : tokenCount(&maker)
            return OpCase(
                "attention N\(pictures) T\(tokens) h\(heads) d\(dim)", roundings: 4 * tokens + 8 * dim + 64,
                slopeFloor: 0.02,
                inputs: { [$0.normal(pictures, tokens, 3 * heads * dim)] }, apply: { $0[0].attention(heads: heads) }
            ) { plainAttention($0[0], heads: heads) }
        },
        DrawnOp("attention with a bias") { maker in
            let (pictures, heads, dim) = (maker.size(1...3), maker.size(1...3), maker.size(1...5))
            let (tokens, shared) = (tokenCount(&maker), maker.chance(0.5))
            return OpCase(
                "attention(bias:) N\(pictures) T\(tokens) h\(heads) d\(dim), shared \(shared)",
                roundings: 4 * tokens * pictures + 8 * dim + 64, slopeFloor: 0.02,
                inputs: {
                    [
                        $0.normal(pictures, tokens, 3 * heads * dim),
                        shared ? $0.normal(heads, tokens, tokens) : $0.normal(pictures, heads, tokens, tokens),
                    ]
                }, apply: { $0[0].attention(heads: heads, bias: $0[1]) }
            ) { plainAttention($0[0], heads: heads, bias: $0[1]) }
        },
        DrawnOp("decomposedPositionBias") { maker in
            let (pictures, heads, dim) = (maker.size(1...3), maker.size(1...3), maker.size(1...5))
            let (height, width) = (maker.size(1...4), maker.size(1...4))
            return OpCase(
                "decomposedPositionBias N\(pictures) \(height)x\(width) h\(heads) d\(dim)",
                roundings: 8 * dim + 4 * pictures * heads * height * width + 32,
                inputs: {
                    [
                        $0.normal(pictures, height * width, 3 * heads * dim), $0.normal(height, height, dim),
                        $0.normal(width, width, dim),
                    ]
                }, apply: { $0[0].decomposedPositionBias(heads: heads, rows: $0[1], columns: $0[2]) }
            ) { plainPositionBias($0[0], $0[1], $0[2], heads: heads) }
        },
        DrawnOp("relationDivergence") { maker in
            let (pictures, heads, tokens) = (maker.size(1...3), maker.size(1...3), tokenCount(&maker))
            let (mine, theirs) = (maker.size(1...4), maker.size(1...4))
            let pair = maker.element(of: [ProjectionPair.queryKey, .valueValue])
            let teacher = Plain(maker.normal(pictures, tokens, 3 * heads * theirs))
            let (left, right) = pair == .queryKey ? (0, 1) : (2, 2)
            return OpCase(
                "relationDivergence \(pair) N\(pictures) T\(tokens) h\(heads) d\(mine) of \(theirs)",
                roundings: 16 * (mine + theirs) + 4 * tokens + 64, slopeFloor: 0.02,
                inputs: { [$0.normal(pictures, tokens, 3 * heads * mine)] },
                apply: {
                    $0[0].relationDivergence(pair, from: $0[0].like(teacher.values, teacher.shape), heads: heads)
                }
            ) { plainDivergence($0[0], teacher, heads: heads, left, right) }
        },
        DrawnOp("attentionMapError") { maker in
            let (pictures, heads, tokens) = (maker.size(1...3), maker.size(1...3), tokenCount(&maker))
            let (mine, theirs, mixed) = (maker.size(1...4), maker.size(1...4), maker.chance(0.6))
            let teacherHeads = mixed ? maker.size(1...4) : heads
            let teacher = Plain(maker.normal(pictures, tokens, 3 * teacherHeads * theirs))
            return OpCase(
                "attentionMapError N\(pictures) T\(tokens) h\(heads) to \(teacherHeads), mixed \(mixed)",
                roundings: 16 * (mine + theirs) + 4 * tokens + 64, slopeFloor: 0.02,
                inputs: {
                    [$0.normal(pictures, tokens, 3 * heads * mine)] + (mixed ? [$0.normal(teacherHeads, heads)] : [])
                },
                apply: {
                    $0[0].attentionMapError(
                        heads: heads, from: $0[0].like(teacher.values, teacher.shape), teacherHeads: teacherHeads,
                        mixing: mixed ? $0[1] : nil)
                }
            ) { plainMapError($0[0], teacher, heads: (heads, teacherHeads), mixing: mixed ? $0[1] : nil) }
        },
    ]
}
