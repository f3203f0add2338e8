import Autograd
import Foundation
import TensorCore
import TestSupport

/// `a bᵀ / √d` of one head of packed projections, by rows; parts 0, 1, 2 are queries, keys, values.
private func scores(_ qkv: Plain, heads: Int, _ n: Int, _ h: Int, _ left: Int, _ right: Int) -> [[Double]] {
    let (tokens, width) = (qkv.shape[1], qkv.shape[2] / 3)
    let dim = width / heads
    return (0..<tokens).map { i in
        (0..<tokens).map { j in
            (0..<dim).reduce(0.0) {
                $0 + qkv[n, i, left * width + h * dim + $1] * qkv[n, j, right * width + h * dim + $1]
            } / Double(dim).squareRoot()
        }
    }
}

func plainDivergence(_ s: Plain, _ t: Plain, heads: Int, _ left: Int, _ right: Int) -> Plain {
    var total = 0.0
    for n in 0..<s.shape[0] {
        for h in 0..<heads {
            let pair = zip(scores(s, heads: heads, n, h, left, right), scores(t, heads: heads, n, h, left, right))
            for (mine, theirs) in pair {
                let (p, q) = (plainLogSoftmax(theirs[...]), plainLogSoftmax(mine[...]))
                total += zip(p, q).reduce(0) { $0 + exp($1.0) * ($1.0 - $1.1) }
            }
        }
    }
    return Plain([], [total / Double(s.shape[0] * heads * s.shape[1])])
}

func plainMapError(_ s: Plain, _ t: Plain, heads: (Int, Int), mixing: Plain?) -> Plain {
    let tokens = s.shape[1]
    var total = 0.0
    for n in 0..<s.shape[0] {
        let mine = (0..<heads.0).map { scores(s, heads: heads.0, n, $0, 0, 1).map { plainSoftmax($0[...]) } }
        let theirs = (0..<heads.1).map { scores(t, heads: heads.1, n, $0, 0, 1).map { plainSoftmax($0[...]) } }
        for g in 0..<heads.1 {
            for i in 0..<tokens {
                for j in 0..<tokens {
                    let mixed = mixing.map { m in (0..<heads.0).reduce(0) { $0 + m[g, $1] * mine[$1][i][j] } }
                    total += pow((mixed ?? mine[g][i][j]) - theirs[g][i][j], 2)
                }
            }
        }
    }
    return Plain([], [total / Double(s.shape[0] * heads.1 * tokens * tokens)])
}

extension OpTable {
    private static func projections(_ purpose: String, _ shape: [Int]) -> Plain {
        var maker = TensorMaker(purpose)
        return Plain(maker.normal(shape.reduce(1, *)).reshaped(shape))
    }

    static var relations: [OpCase] {
        let divergences = [(2, 5, 3, 2, 4), (1, 7, 2, 4, 3), (2, 1, 2, 2, 3)].flatMap {
            pictures, tokens, heads, mine, theirs in
            [ProjectionPair.queryKey, .valueValue].map { pair in
                let teacher = projections("teacher \(tokens)", [pictures, tokens, 3 * heads * theirs])
                let (left, right) = pair == .queryKey ? (0, 1) : (2, 2)
                return OpCase(
                    "relationDivergence \(pair) N\(pictures) T\(tokens) h\(heads) d\(mine) of \(theirs)",
                    roundings: 8 * (mine + theirs) + 2 * tokens + 32,
                    inputs: { [$0.normal(pictures, tokens, 3 * heads * mine)] },
                    apply: {
                        $0[0].relationDivergence(pair, from: $0[0].like(teacher.values, teacher.shape), heads: heads)
                    }
                ) { plainDivergence($0[0], teacher, heads: heads, left, right) }
            }
        }
        let errors = [(2, 5, 3, 2, 2, 4), (1, 7, 2, 3, 4, 1)].map {
            pictures, tokens, heads, mine, teacherHeads, theirs in
            let teacher = projections("maps \(tokens)", [pictures, tokens, 3 * teacherHeads * theirs])
            return OpCase(
                "attentionMapError N\(pictures) T\(tokens) h\(heads) to \(teacherHeads)",
                roundings: 8 * (mine + theirs) + 2 * tokens + 32,
                inputs: { [$0.normal(pictures, tokens, 3 * heads * mine), $0.normal(teacherHeads, heads)] },
                apply: {
                    $0[0].attentionMapError(
                        heads: heads, from: $0[0].like(teacher.values, teacher.shape), teacherHeads: teacherHeads,
                        mixing: $0[1])
                }
            ) { plainMapError($0[0], teacher, heads: (heads, teacherHeads), mixing: $0[1]) }
        }
        let teacher = projections("equal maps", [2, 4, 24])
        let plain = OpCase(
            "attentionMapError N2 T4 h2, heads one to one", roundings: 64, inputs: { [$0.normal(2, 4, 18)] },
            apply: {
                $0[0].attentionMapError(heads: 2, from: $0[0].like(teacher.values, teacher.shape), teacherHeads: 2)
            }
        ) { plainMapError($0[0], teacher, heads: (2, 2), mixing: nil) }
        return divergences + errors + [plain]
    }
}
