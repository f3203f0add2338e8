import CKernels
import Determinism
import TensorCore

extension Variable {
    /// Decomposed relative positions: what each query's row and column add to the scores of every key of its grid.
    ///
    ///     B[(y, x), (y', x')] = q(y, x) · R_h[y, y'] + q(y, x) · R_w[x, x']      with q as it is, not scaled
    ///
    /// This value is `(N, H·W, 3C)`, packed projections of which only the queries are read.
    ///
    /// - Parameters:
    ///   - rows: `(H, H, d)`, a vector for each pair of rows.
    ///   - columns: `(W, W, d)`.
    /// - Returns: `(N, heads, H·W, H·W)`, the bias of `attention(heads:bias:)`.
    /// - Source: Li et al. 2022, arXiv:2112.01526 (MViTv2), eq. 4; detectron2's `add_decomposed_rel_pos`.
    public func decomposedPositionBias(heads: Int, rows: Variable, columns: Variable) -> Variable {
        let (pictures, tokens, dim) = (shape[0], shape[1], shape[2] / (3 * heads))
        let (height, width) = (rows.shape[0], columns.shape[0])
        precondition(
            shape.count == 3 && tokens == height * width && rows.shape == [height, height, dim]
                && columns.shape == [width, width, dim],
            "relative positions: qkv \(shape), \(heads) heads, tables \(rows.shape) and \(columns.shape)")
        let parts = AttentionParts(pictures: pictures, tokens: tokens, heads: heads, dim: dim, value.dtype)
        let (qkv, tall, wide) = (value, rows.value, columns.value)
        let grid = PositionGrid(parts: parts, height: height, width: width)
        let bias = Tensor(uninitialized: [pictures, heads, tokens, tokens], qkv.dtype)
        parts.forEach { task in
            // (H·W, H) and (H·W, W): one query's share by rows and by columns of the keys.
            let (byRow, byColumn) = (
                Tensor(uninitialized: [tokens, height], qkv.dtype), Tensor(uninitialized: [tokens, width], qkv.dtype)
            )
            for y in 0..<height {
                Gemm.multiply(
                    qkv.dtype, m: width, n: height, k: dim, grid.queries(qkv, task, row: y),
                    MatrixView(tall.rows(y..<y + 1), width: dim, transposed: true),
                    into: byRow.raw + y * width * height * qkv.dtype.size)
            }
            for x in 0..<width {
                let product = parts.product(
                    height, width, dim, grid.queries(qkv, task, column: x),
                    MatrixView(wide.rows(x..<x + 1), width: dim, transposed: true))
                grid.scatter(product, column: x, into: byColumn)
            }
            grid.spread(byRow, byColumn, into: bias.raw + task * parts.square)
        }
        return .record(bias, from: [self, rows, columns]) { db in
            let gradient = Tensor.zeros(qkv.shape, qkv.dtype)
            let byRow = Tensor(uninitialized: [pictures * heads, tokens, height], qkv.dtype)
            let byColumn = Tensor(uninitialized: [pictures * heads, tokens, width], qkv.dtype)
            parts.forEach { task in
                let (mine, other) = (byRow.rows(task..<task + 1), byColumn.rows(task..<task + 1))
                grid.gather(db.raw + task * parts.square, mine, other)
                grid.addQueryGradients(mine, other, tall, wide, into: gradient, task)
            }
            let (dRows, dColumns) = (
                Tensor(uninitialized: tall.shape, qkv.dtype), Tensor(uninitialized: wide.shape, qkv.dtype)
            )
            Parallel.forEach(height) { y in
                for task in 0..<pictures * heads {
                    let part = byRow.raw + (task * tokens + y * width) * height * qkv.dtype.size
                    Gemm.multiply(
                        qkv.dtype, m: height, n: dim, k: width, parts.view(part, height, transposed: true),
                        grid.queries(qkv, task, row: y), into: dRows.rows(y..<y + 1).raw, accumulate: task > 0)
                }
            }
            Parallel.forEach(width) { x in
                for task in 0..<pictures * heads {
                    let part = byColumn.raw + (task * tokens + x) * width * qkv.dtype.size
                    Gemm.multiply(
                        qkv.dtype, m: width, n: dim, k: height,
                        MatrixView(part, rowStride: 1, columnStride: width * width), grid.queries(qkv, task, column: x),
                        into: dColumns.rows(x..<x + 1).raw, accumulate: task > 0)
                }
            }
            return [gradient, dRows, dColumns]
        }
    }
}

/// A grid of tokens whose queries are taken by rows or by columns.
private struct PositionGrid {
    let parts: AttentionParts
    let height: Int
    let width: Int

    /// `(W, d)`: the queries of one row of the grid.
    func queries(_ qkv: Tensor, _ task: Int, row: Int) -> MatrixView {
        let all = parts.q(qkv, task)
        return MatrixView(
            all.pointer + row * width * all.rowStride * parts.dtype.size, rowStride: all.rowStride)
    }

    /// `(H, d)`: the queries of one column.
    func queries(_ qkv: Tensor, _ task: Int, column: Int) -> MatrixView {
        let all = parts.q(qkv, task)
        return MatrixView(
            all.pointer + column * all.rowStride * parts.dtype.size, rowStride: width * all.rowStride)
    }

    /// Rows `(H, W)` of one column's queries to their places in `(H·W, W)`.
    func scatter(_ product: Tensor, column: Int, into byColumn: Tensor) {
        let bytes = width * parts.dtype.size
        for y in 0..<height {
            (byColumn.raw + (y * width + column) * bytes).copyMemory(from: product.raw + y * bytes, byteCount: bytes)
        }
    }

    /// `bias[q, (y', x')] = byRow[q, y'] + byColumn[q, x']`.
    func spread(_ byRow: Tensor, _ byColumn: Tensor, into bias: UnsafeMutableRawPointer) {
        switch parts.dtype {
        case .f32: spread(byRow.f32(), byColumn.f32(), bias.assumingMemoryBound(to: Float.self))
        default: spread(byRow.f64(), byColumn.f64(), bias.assumingMemoryBound(to: Double.self))
        }
    }

    @inline(__always)
    private func spread<T: BinaryFloatingPoint>(
        _ byRow: UnsafeMutablePointer<T>, _ byColumn: UnsafeMutablePointer<T>, _ bias: UnsafeMutablePointer<T>
    ) {
        for query in 0..<height * width {
            for y in 0..<height {
                let (share, out) = (byRow[query * height + y], bias + (query * height + y) * width)
                for x in 0..<width { out[x] = share + byColumn[query * width + x] }
            }
        }
    }

    /// The transpose of `spread`: sums of a bias gradient over the keys' columns and rows.
    func gather(_ db: UnsafeMutableRawPointer, _ byRow: Tensor, _ byColumn: Tensor) {
        switch parts.dtype {
        case .f32: gather(db.assumingMemoryBound(to: Float.self), byRow.f32(), byColumn.f32())
        default: gather(db.assumingMemoryBound(to: Double.self), byRow.f64(), byColumn.f64())
        }
    }

    @inline(__always)
    private func gather<T: BinaryFloatingPoint>(
        _ db: UnsafeMutablePointer<T>, _ byRow: UnsafeMutablePointer<T>, _ byColumn: UnsafeMutablePointer<T>
    ) {
        for query in 0..<height * width {
            for x in 0..<width { byColumn[query * width + x] = 0 }
            for y in 0..<height {
                let part = db + (query * height + y) * width
                var sum: T = 0
                for x in 0..<width {
                    sum += part[x]
                    byColumn[query * width + x] += part[x]
                }
                byRow[query * height + y] = sum
            }
        }
    }

    /// `dq(y, x) += Σ_y' byRow · R_h[y, y'] + Σ_x' byColumn · R_w[x, x']`.
    func addQueryGradients(
        _ byRow: Tensor, _ byColumn: Tensor, _ tall: Tensor, _ wide: Tensor, into gradient: Tensor, _ task: Int
    ) {
        let size = parts.dtype.size
        func add(_ product: Tensor, to place: MatrixView, _ count: Int) {
            for row in 0..<count {
                let to = place.pointer + row * place.rowStride * size
                parts.table.pointee.axpy(to, product.raw + row * parts.dim * size, 1, parts.dim)
            }
        }
        for y in 0..<height {
            let product = parts.product(
                width, parts.dim, height, parts.view(byRow.raw + y * width * height * size, height),
                MatrixView(tall.rows(y..<y + 1), width: parts.dim))
            add(product, to: queries(gradient, task, row: y), width)
        }
        for x in 0..<width {
            let product = parts.product(
                height, parts.dim, width,
                MatrixView(byColumn.raw + x * width * size, rowStride: width * width),
                MatrixView(wide.rows(x..<x + 1), width: parts.dim))
            add(product, to: queries(gradient, task, column: x), height)
        }
    }
}
