/// Copies a strided view of a storage to row-major order while the storage streams by.
///
///     target[i₁, …, iᵣ] = storage[offset + Σ iₖ · strideₖ]
///
/// Works for any strides from 0, overlapping ones included, in one pass over the storage with no memory beside the
/// target. Strides count elements.
///
/// - Complexity: O(target + pieces · runs); neighbouring axes that lie row-major in the storage count as one.
struct StridedGather {
    private struct Axis {
        var count: Int
        var stride: Int
        /// Elements between neighbours in the target.
        var targetStride: Int
        /// The largest distance that this axis and the ones after it reach in the storage.
        var reach: Int
    }

    let offset: Int
    let elementSize: Int
    /// Storage elements that the view touches; empty for a view without elements.
    let span: Range<Int>
    private let axes: [Axis]

    /// - Precondition: the ranks agree and nothing is negative; `reach` has been checked for overflow.
    init(shape: [Int], strides: [Int], offset: Int, elementSize: Int) {
        precondition(shape.count == strides.count, "shape \(shape), strides \(strides)")
        self.offset = offset
        self.elementSize = elementSize
        var axes: [Axis] = []
        var targetStride = 1
        let isEmpty = shape.contains(0)
        for (count, stride) in zip(shape, strides).reversed() where count != 1 && !isEmpty {
            if let last = axes.last, last.stride * last.count == stride, last.targetStride * last.count == targetStride
            {
                axes[axes.count - 1].count *= count
            } else {
                axes.append(Axis(count: count, stride: stride, targetStride: targetStride, reach: 0))
            }
            targetStride *= count
        }
        // The widest stride first, so that a piece of the storage selects few elements of each axis.
        axes.sort { $0.stride > $1.stride }
        var reach = 0
        for index in axes.indices.reversed() {
            reach += (axes[index].count - 1) * axes[index].stride
            axes[index].reach = reach
        }
        self.axes = axes
        span = isEmpty ? offset..<offset : offset..<offset + reach + 1
    }

    /// Copies what the view takes from one piece.
    ///
    /// - Parameters:
    ///   - piece: whole elements of the storage.
    ///   - start: the number of elements before the piece.
    ///   - target: room for all elements of the view.
    func copy(from piece: UnsafeRawBufferPointer, at start: Int, to target: UnsafeMutableRawPointer) {
        let window = start..<start + piece.count / elementSize
        guard span.overlaps(window) else { return }
        visit(0, offset, 0, window, piece.baseAddress!, target)
    }

    private func visit(
        _ level: Int, _ base: Int, _ targetBase: Int, _ window: Range<Int>, _ piece: UnsafeRawPointer,
        _ target: UnsafeMutableRawPointer
    ) {
        guard level < axes.count else {
            guard window.contains(base) else { return }
            move(1, from: piece + (base - window.lowerBound) * elementSize, to: target + targetBase * elementSize)
            return
        }
        let axis = axes[level]
        let rest = level + 1 < axes.count ? axes[level + 1].reach : 0
        var first = 0
        var last = axis.count - 1
        if axis.stride > 0 {
            let below = window.lowerBound - base - rest
            if below > 0 { first = (below + axis.stride - 1) / axis.stride }
            let above = window.upperBound - 1 - base
            if above < 0 { return }
            last = min(last, above / axis.stride)
        }
        guard first <= last else { return }
        if level == axes.count - 1 && axis.stride == 1 && axis.targetStride == 1 {
            move(
                last - first + 1, from: piece + (base + first - window.lowerBound) * elementSize,
                to: target + (targetBase + first) * elementSize)
            return
        }
        for index in first...last {
            visit(
                level + 1, base + index * axis.stride, targetBase + index * axis.targetStride, window, piece, target)
        }
    }

    private func move(_ count: Int, from source: UnsafeRawPointer, to target: UnsafeMutableRawPointer) {
        target.copyMemory(from: source, byteCount: count * elementSize)
    }
}
