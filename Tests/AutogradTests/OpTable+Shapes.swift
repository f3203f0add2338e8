import Autograd
import TensorCore
import TestSupport

func plainPermuted(_ x: Plain, _ axes: [Int]) -> Plain {
    let shape = axes.map { x.shape[$0] }
    var y = Plain(zeros: shape)
    for flat in y.values.indices {
        var rest = flat
        var source = [Int](repeating: 0, count: axes.count)
        for axis in axes.indices.reversed() {
            source[axes[axis]] = rest % shape[axis]
            rest /= shape[axis]
        }
        y.values[flat] = x.values[zip(source, x.shape).reduce(0) { $0 * $1.1 + $1.0 }]
    }
    return y
}

extension OpTable {
    private static let permutations: [OpCase] = [
        ([2, 3, 5], [1, 0, 2]), ([2, 3, 5], [2, 1, 0]), ([2, 3, 4, 5], [0, 3, 1, 2]), ([2, 3, 4, 5], [3, 1, 0, 2]),
        ([7, 1], [1, 0]), ([4, 3], [0, 1]), ([2, 3, 2, 2, 5], [0, 1, 3, 2, 4]),
    ].map { shape, axes in
        OpCase(
            "permuted \(shape) by \(axes)", inputs: { [$0.normal(shape.reduce(1, *)).reshaped(shape)] },
            apply: { $0[0].permuted(axes) }
        ) { plainPermuted($0[0], axes) }
    }

    static let shapes: [OpCase] =
        permutations + [
            OpCase(
                "permuted in several blocks", inputs: { [$0.normal(3, 101, 127)] },
                apply: { $0[0].permuted([2, 0, 1]) }
            ) {
                plainPermuted($0[0], [2, 0, 1])
            },
            OpCase("reshaped", inputs: { [$0.normal(2, 3, 4)] }, apply: { $0[0].reshaped([4, -1]) }) {
                Plain([4, 6], $0[0].values)
            },
            OpCase(
                "concatenated on the first axis", inputs: { [$0.normal(2, 3), $0.normal(1, 3), $0.normal(4, 3)] },
                apply: { .concatenated($0, axis: 0) }
            ) { Plain([7, 3], $0.flatMap(\.values)) },
            OpCase(
                "concatenated on the middle axis", inputs: { [$0.normal(2, 1, 3), $0.normal(2, 4, 3)] },
                apply: { .concatenated($0, axis: 1) }
            ) { x in
                Plain(
                    [2, 5, 3],
                    (0..<2).flatMap { n in x.flatMap { $0.values[n * $0.shape[1] * 3..<(n + 1) * $0.shape[1] * 3] } })
            },
            OpCase(
                "concatenated with itself", inputs: { [$0.normal(2, 3)] },
                apply: { .concatenated([$0[0], $0[0]], axis: 1) }
            ) { x in Plain([2, 6], (0..<2).flatMap { n in (0..<6).map { x[0][n, $0 % 3] } }) },
            OpCase(
                "sliced on the middle axis", inputs: { [$0.normal(2, 5, 3)] }, apply: { $0[0].sliced(axis: 1, 1..<4) }
            ) {
                x in Plain([2, 3, 3], (0..<2).flatMap { n in (1..<4).flatMap { t in (0..<3).map { x[0][n, t, $0] } } })
            },
            OpCase("sliced on the last axis", inputs: { [$0.normal(2, 5)] }, apply: { $0[0].sliced(axis: 1, 3..<5) }) {
                x in
                Plain([2, 2], [x[0][0, 3], x[0][0, 4], x[0][1, 3], x[0][1, 4]])
            },
            OpCase(
                "gatheringRows with repeats", inputs: { [$0.normal(2, 3, 5)] },
                apply: { $0[0].gatheringRows([4, 0, 4, 2, 4]) }
            ) { x in Plain([5, 5], [4, 0, 4, 2, 4].flatMap { x[0].values[$0 * 5..<($0 + 1) * 5] }) },
            OpCase(
                "scatteringRows", inputs: { [$0.normal(2, 5), $0.normal(2, 3, 5)] },
                apply: { $0[0].scatteringRows([4, 1], into: $0[1]) }
            ) { x in
                var y = x[1]
                y.values.replaceSubrange(20..<25, with: x[0].values[0..<5])
                y.values.replaceSubrange(5..<10, with: x[0].values[5..<10])
                return y
            },
            OpCase("meanOverAxis1", roundings: 32, inputs: { [$0.normal(2, 7, 5)] }, apply: { $0[0].meanOverAxis1() }) {
                x in
                Plain(
                    [2, 5],
                    (0..<2).flatMap { n in (0..<5).map { c in (0..<7).reduce(0.0) { $0 + x[0][n, $1, c] } / 7 } })
            },
        ]
}
