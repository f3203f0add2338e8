import Determinism
import Testing

@testable import CheckpointIO

@Suite struct StridedGatherTests {
    /// The equation, element by element.
    private func naive(_ shape: [Int], _ strides: [Int], _ offset: Int, _ storage: [UInt16]) -> [UInt16] {
        let count = shape.reduce(1, *)
        return (0..<count).map { flat in
            var rest = flat
            var index = offset
            for axis in shape.indices.reversed() {
                index += rest % shape[axis] * strides[axis]
                rest /= shape[axis]
            }
            return storage[index]
        }
    }

    private func gathered(
        _ shape: [Int], _ strides: [Int], _ offset: Int, _ storage: [UInt16], _ pieceCount: Int
    ) -> [UInt16] {
        let gather = StridedGather(shape: shape, strides: strides, offset: offset, elementSize: 2)
        var result = [UInt16](repeating: 0xFFFF, count: shape.reduce(1, *))
        result.withUnsafeMutableBytes { target in
            guard let base = target.baseAddress else { return }
            storage.withUnsafeBytes { bytes in
                for start in stride(from: 0, to: storage.count, by: pieceCount) {
                    let end = min(start + pieceCount, storage.count)
                    let piece = UnsafeRawBufferPointer(rebasing: bytes[2 * start..<2 * end])
                    gather.copy(from: piece, at: start, to: base)
                }
            }
        }
        return result
    }

    @Test func equalsTheEquationForRandomViewsInPiecesOfAnySize() {
        for trial in 0..<3000 as Range<UInt64> {
            var stream = RandomStream(seed: 8, purpose: "views", trial)
            let rank = stream.int(below: 5)
            let shape = (0..<rank).map { _ in stream.int(below: 20) == 0 ? 0 : 1 + stream.int(below: 5) }
            var strides = (0..<rank).map { _ in stream.int(below: 12) }
            if stream.chance(0.4) {
                // Row-major under a random order of axes, so that axes merge.
                var next = 1
                for axis in shape.indices.shuffled(by: &stream) {
                    strides[axis] = next
                    next *= max(shape[axis], 1)
                }
            }
            let offset = stream.int(below: 4)
            let reach = zip(shape, strides).reduce(offset + 1) { $0 + max($1.0 - 1, 0) * $1.1 }
            let storage = (0..<reach + stream.int(below: 3)).map { UInt16($0) }
            let expected = naive(shape, strides, offset, storage)
            for pieceCount in [1, 3, 7, 64, storage.count] {
                #expect(
                    gathered(shape, strides, offset, storage, pieceCount) == expected,
                    "shape \(shape), strides \(strides), offset \(offset), pieces of \(pieceCount)")
            }
        }
    }
}

extension Range<Int> {
    fileprivate func shuffled(by stream: inout RandomStream) -> [Int] {
        var items = Array(self)
        for index in items.indices.dropFirst() { items.swapAt(index, stream.int(below: index + 1)) }
        return items
    }
}
