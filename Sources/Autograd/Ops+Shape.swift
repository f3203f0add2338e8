import CKernels
import Determinism
import TensorCore

extension Variable {
    /// The same values under another shape; one size may be -1.
    public func reshaped(_ shape: [Int]) -> Variable {
        let (from, made) = (self.shape, remake)
        return .record(value.reshaped(shape), from: [self], remake: made.map { made in { made().reshaped(shape) } }) {
            [$0.reshaped(from)]
        }
    }

    /// Axis `i` of the result is axis `axes[i]` of this variable.
    public func permuted(_ axes: [Int]) -> Variable {
        precondition(axes.sorted() == Array(0..<shape.count), "permute \(shape) by \(axes)")
        var inverse = axes
        for (to, from) in axes.enumerated() { inverse[from] = to }
        return .record(
            Self.permute(value, axes), from: [self], remake: remake.map { made in { Self.permute(made(), axes) } }
        ) { [Self.permute($0, inverse)] }
    }

    /// Copies runs along the last output axis; trailing axes that stay in place form one run.
    static func permute(_ x: Tensor, _ axes: [Int]) -> Tensor {
        let rank = x.rank
        var strides = [Int](repeating: 1, count: rank)
        for axis in stride(from: rank - 2, through: 0, by: -1) { strides[axis] = strides[axis + 1] * x.shape[axis + 1] }
        let shape = axes.map { x.shape[$0] }
        let y = Tensor(uninitialized: shape, x.dtype)
        if x.count == 0 { return y }
        var kept = rank
        while kept > 0 && axes[kept - 1] == kept - 1 { kept -= 1 }
        let run = shape[kept...].reduce(1, *)
        let outer = Array(shape[..<kept])
        let outerStrides = axes[..<kept].map { strides[$0] }
        let size = x.dtype.size
        let (src, dst) = (x.raw, y.raw)
        let runs = x.count / run
        Parallel.forEachRange(runs, grain: max(1, 32768 / run)) { range in
            var index = [Int](repeating: 0, count: kept)
            var rest = range.lowerBound
            for axis in stride(from: kept - 1, through: 0, by: -1) {
                index[axis] = rest % outer[axis]
                rest /= outer[axis]
            }
            var from = zip(index, outerStrides).reduce(0) { $0 + $1.0 * $1.1 }
            for at in range {
                copyRun(dst + at * run * size, src + from * size, run * size)
                var axis = kept - 1
                while axis >= 0 {
                    index[axis] += 1
                    from += outerStrides[axis]
                    if index[axis] < outer[axis] { break }
                    from -= outer[axis] * outerStrides[axis]
                    index[axis] = 0
                    axis -= 1
                }
            }
        }
        return y
    }

    /// Joins variables along an axis; the other axes agree.
    public static func concatenated(_ parts: [Variable], axis: Int) -> Variable {
        precondition(!parts.isEmpty, "concatenated: no parts")
        var shape = parts[0].shape
        shape[axis] = parts.reduce(0) { $0 + $1.shape[axis] }
        for part in parts {
            var expected = shape
            expected[axis] = part.shape[axis]
            precondition(part.shape == expected, "concatenated: \(part.shape) beside \(parts[0].shape) on axis \(axis)")
        }
        let y = Tensor(uninitialized: shape, parts[0].value.dtype)
        var start = 0
        for part in parts {
            Slab(y, axis: axis, start..<start + part.shape[axis]).copy(from: part.value)
            start += part.shape[axis]
        }
        let lengths = parts.map { $0.shape[axis] }
        let tracked = parts.map(\.isTracked)
        return .record(y, from: parts) { dy in
            var start = 0
            return zip(lengths, tracked).map { length, tracked in
                defer { start += length }
                return tracked ? Slab(dy, axis: axis, start..<start + length).extracted() : nil
            }
        }
    }

    /// The indices `range` of one axis.
    public func sliced(axis: Int, _ range: Range<Int>) -> Variable {
        let whole = shape
        precondition(
            range.lowerBound >= 0 && range.upperBound <= whole[axis], "sliced: \(range) of axis \(axis), \(whole)")
        return .record(Slab(value, axis: axis, range).extracted(), from: [self]) { dy in
            let dx = Tensor.zeros(whole, dy.dtype)
            Slab(dx, axis: axis, range).copy(from: dy)
            return [dx]
        }
    }

    /// Rows by index from the `(R, C)` view: `(indices.count, C)`. Backward adds, so indices may repeat.
    public func gatheringRows(_ indices: [Int32]) -> Variable {
        let (rows, columns) = rowsAndColumns
        precondition(indices.allSatisfy { $0 >= 0 && $0 < rows }, "gatheringRows: an index outside 0..<\(rows)")
        let (whole, bytes) = (shape, columns * value.dtype.size)
        let y = Tensor(uninitialized: [indices.count, columns], value.dtype)
        for (to, from) in indices.enumerated() {
            copyRun(y.raw + to * bytes, value.raw + Int(from) * bytes, bytes)
        }
        return .record(y, from: [self]) { dy in
            let dx = Tensor.zeros(whole, dy.dtype)
            let table = Kernels.table(dy.dtype)
            for (from, to) in indices.enumerated() {
                table.pointee.axpy(dx.raw + Int(to) * bytes, dy.raw + from * bytes, 1, columns)
            }
            return [dx]
        }
    }

    /// A copy of `target` (viewed as `(R, C)`) in which row `indices[i]` is row `i` of this variable. Indices differ.
    public func scatteringRows(_ indices: [Int32], into target: Variable) -> Variable {
        let (rows, columns) = rowsAndColumns
        let (whole, bytes) = (target.shape, columns * value.dtype.size)
        precondition(
            rows == indices.count && target.rowsAndColumns.columns == columns && Set(indices).count == rows,
            "scatteringRows: \(shape) to \(indices.count) rows of \(target.shape)")
        precondition(
            indices.allSatisfy { $0 >= 0 && $0 < target.rowsAndColumns.rows },
            "scatteringRows: an index outside 0..<\(target.rowsAndColumns.rows)")
        let y = target.value.copy()
        for (from, to) in indices.enumerated() {
            copyRun(y.raw + Int(to) * bytes, value.raw + from * bytes, bytes)
        }
        let (mine, needSelf, needTarget) = (shape, isTracked, target.isTracked)
        return .record(y, from: [self, target]) { dy in
            var own: Tensor?
            var other: Tensor?
            if needSelf {
                let part = Tensor(uninitialized: mine, dy.dtype)
                for (to, from) in indices.enumerated() {
                    copyRun(part.raw + to * bytes, dy.raw + Int(from) * bytes, bytes)
                }
                own = part
            }
            if needTarget {
                let rest = dy.copy().reshaped(whole)
                for index in indices {
                    (rest.raw + Int(index) * bytes).initializeMemory(as: UInt8.self, repeating: 0, count: bytes)
                }
                other = rest
            }
            return [own, other]
        }
    }

    /// The mean over tokens: `(N, T, C)` to `(N, C)`.
    public func meanOverAxis1() -> Variable {
        precondition(shape.count == 3, "meanOverAxis1 of \(shape)")
        let (pictures, tokens, columns, size) = (shape[0], shape[1], shape[2], value.dtype.size)
        let y = Tensor.zeros([pictures, columns], value.dtype)
        let table = Kernels.table(value.dtype)
        let (yp, xp) = (y.raw, value.raw)
        Parallel.forEach(pictures) { n in
            table.pointee.column_sums(yp + n * columns * size, xp + n * tokens * columns * size, tokens, columns)
        }
        table.pointee.scale(yp, yp, 1 / Double(tokens), y.count)
        return .record(y, from: [self]) { dy in
            let dx = Tensor(uninitialized: [pictures, tokens, columns], dy.dtype)
            let (dxp, dyp) = (dx.raw, dy.raw)
            Parallel.forEach(pictures) { n in
                for t in 0..<tokens {
                    table.pointee.scale(
                        dxp + (n * tokens + t) * columns * size, dyp + n * columns * size, 1 / Double(tokens), columns)
                }
            }
            return [dx]
        }
    }
}

/// A range of one axis of a tensor, copied as runs.
private struct Slab {
    let tensor: Tensor
    let range: Range<Int>
    let outer: Int
    let length: Int
    let inner: Int

    init(_ tensor: Tensor, axis: Int, _ range: Range<Int>) {
        self.tensor = tensor
        self.range = range
        outer = tensor.shape[..<axis].reduce(1, *)
        length = tensor.shape[axis]
        inner = tensor.shape[(axis + 1)...].reduce(1, *) * tensor.dtype.size
        shape = Array(tensor.shape[..<axis]) + [range.count] + Array(tensor.shape[(axis + 1)...])
    }
    let shape: [Int]

    private func address(_ row: Int) -> UnsafeMutableRawPointer {
        tensor.raw + (row * length + range.lowerBound) * inner
    }

    func extracted() -> Tensor {
        let part = Tensor(uninitialized: shape, tensor.dtype)
        let bytes = range.count * inner
        for row in 0..<outer { copyRun(part.raw + row * bytes, address(row), bytes) }
        return part
    }

    func copy(from part: Tensor) {
        let bytes = range.count * inner
        for row in 0..<outer { copyRun(address(row), part.raw + row * bytes, bytes) }
    }
}

@inline(__always)
private func copyRun(_ to: UnsafeMutableRawPointer, _ from: UnsafeMutableRawPointer, _ bytes: Int) {
    to.copyMemory(from: from, byteCount: bytes)
}
