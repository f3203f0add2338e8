import Autograd
import TensorCore
import TestSupport

extension DrawnOp {
    /// Part of `x` along one axis.
    private static func part(_ x: Plain, _ axis: Int, _ range: Range<Int>) -> Plain {
        let inner = x.shape[(axis + 1)...].reduce(1, *)
        let outer = x.shape[..<axis].reduce(1, *)
        let values = (0..<outer).flatMap { o in
            range.flatMap { i in (0..<inner).map { x.values[(o * x.shape[axis] + i) * inner + $0] } }
        }
        var shape = x.shape
        shape[axis] = range.count
        return Plain(shape, values)
    }

    private static func joined(_ parts: [Plain], _ axis: Int) -> Plain {
        var shape = parts[0].shape
        shape[axis] = parts.reduce(0) { $0 + $1.shape[axis] }
        let outer = shape[..<axis].reduce(1, *)
        let values = (0..<outer).flatMap { o in
            parts.flatMap { part in
                let length = part.values.count / outer
                return part.values[o * length..<(o + 1) * length]
            }
        }
        return Plain(shape, values)
    }

    static let shapes: [DrawnOp] = [
        DrawnOp("permuted") { maker in
            let shape = maker.shape(rank: 2...5, upTo: 5)
            let axes = maker.permutation(shape.count)
            return OpCase(
                "permuted \(shape) by \(axes)", inputs: { [$0.normal(shape)] }, apply: { $0[0].permuted(axes) }
            ) { plainPermuted($0[0], axes) }
        },
        DrawnOp("reshaped") { maker in
            let shape = maker.shape(rank: 1...4, upTo: 6)
            let split = maker.size(0...shape.count)
            let target = [shape[..<split].reduce(1, *), -1]
            return OpCase(
                "reshaped \(shape) to \(target)", inputs: { [$0.normal(shape)] }, apply: { $0[0].reshaped(target) }
            ) { Plain([target[0], shape[split...].reduce(1, *)], $0[0].values) }
        },
        DrawnOp("concatenated") { maker in
            let shape = maker.shape(rank: 1...4, upTo: 4)
            let axis = maker.size(0...shape.count - 1)
            let lengths = (0..<maker.size(1...4)).map { _ in maker.size(1...4) }
            return OpCase(
                "concatenated \(lengths) on axis \(axis) of \(shape)",
                inputs: { maker in
                    lengths.map { length in
                        var one = shape
                        one[axis] = length
                        return maker.normal(one)
                    }
                }, apply: { .concatenated($0, axis: axis) }
            ) { joined($0, axis) }
        },
        DrawnOp("sliced") { maker in
            let shape = maker.shape(rank: 1...4, upTo: 6)
            let axis = maker.size(0...shape.count - 1)
            let start = maker.size(0...shape[axis] - 1)
            let range = start..<start + maker.size(1...shape[axis] - start)
            return OpCase(
                "sliced \(shape) on axis \(axis), \(range)", inputs: { [$0.normal(shape)] },
                apply: { $0[0].sliced(axis: axis, range) }
            ) { part($0[0], axis, range) }
        },
        DrawnOp("gatheringRows") { maker in
            let shape = maker.shape(rank: 2...3, upTo: 6)
            let columns = shape[shape.count - 1]
            let indices = maker.labels(maker.size(1...8), below: shape.reduce(1, *) / columns)
            return OpCase(
                "gatheringRows \(indices) of \(shape)", roundings: 16, inputs: { [$0.normal(shape)] },
                apply: { $0[0].gatheringRows(indices) }
            ) { x in
                Plain(
                    [indices.count, columns],
                    indices.flatMap { x[0].values[Int($0) * columns..<(Int($0) + 1) * columns] })
            }
        },
        DrawnOp("scatteringRows") { maker in
            let shape = maker.shape(rank: 2...3, upTo: 6)
            let columns = shape[shape.count - 1]
            let rows = shape.reduce(1, *) / columns
            let indices = maker.permutation(rows).prefix(maker.size(1...rows)).map { Int32($0) }
            return OpCase(
                "scatteringRows \(indices) into \(shape)",
                inputs: { [$0.normal(indices.count, columns), $0.normal(shape)] },
                apply: { $0[0].scatteringRows(indices, into: $0[1]) }
            ) { x in
                var y = x[1]
                for (from, to) in indices.enumerated() {
                    for c in 0..<columns { y.values[Int(to) * columns + c] = x[0].values[from * columns + c] }
                }
                return y
            }
        },
        DrawnOp("meanOverAxis1") { maker in
            let shape = maker.shape(rank: 3...3, upTo: 8)
            return OpCase(
                "meanOverAxis1 of \(shape)", roundings: 32, inputs: { [$0.normal(shape)] },
                apply: { $0[0].meanOverAxis1() }
            ) { x in
                var y = Plain(zeros: [shape[0], shape[2]])
                for n in 0..<shape[0] {
                    for c in 0..<shape[2] {
                        y[n, c] = (0..<shape[1]).reduce(0.0) { $0 + x[0][n, $1, c] } / Double(shape[1])
                    }
                }
                return y
            }
        },
    ]
}
