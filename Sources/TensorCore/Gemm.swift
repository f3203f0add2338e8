import CKernels
import Determinism

/// One operand of a matrix product: element `(i, j)` lies at `pointer + i·rowStride + j·columnStride`.
public struct MatrixView {
    public let pointer: UnsafeMutableRawPointer
    public let rowStride: Int
    public let columnStride: Int

    public init(_ pointer: UnsafeMutableRawPointer, rowStride: Int, columnStride: Int = 1) {
        self.pointer = pointer
        self.rowStride = rowStride
        self.columnStride = columnStride
    }

    /// A contiguous matrix of the given width, or its transpose.
    public init(_ tensor: Tensor, width: Int, transposed: Bool = false) {
        pointer = tensor.raw
        rowStride = transposed ? 1 : width
        columnStride = transposed ? width : 1
    }
}

/// What happens to a block of the product while it is in cache: `c = act(c + bias) + residual`, `pre` keeps `c + bias`.
public struct GemmEpilogue {
    public var bias: UnsafeMutableRawPointer?
    public var activation: dmt_activation
    public var pre: UnsafeMutableRawPointer?
    public var residual: UnsafeMutableRawPointer?

    public init(
        bias: UnsafeMutableRawPointer? = nil, activation: dmt_activation = DMT_ACT_NONE,
        pre: UnsafeMutableRawPointer? = nil, residual: UnsafeMutableRawPointer? = nil
    ) {
        self.bias = bias
        self.activation = activation
        self.pre = pre
        self.residual = residual
    }
}

/// The matrix product of the engine: packed panels of B, blocks of C in parallel.
public enum Gemm {
    /// Most steps of k in one block: a panel of that depth stays in the second-level cache.
    private static let depthLimit = 1024
    /// Columns of C that are finished at a time, while they are in cache.
    private static let chunkPanels = 8

    /// `c (m, n) (+)= a (m, k) · b (k, n)`, row-major `c` of width `n`.
    ///
    /// The split into blocks depends on the shape only, and every value is one chain of additions along k: the result does
    /// not depend on the number of threads.
    ///
    /// - Parameter bf16: round both operands to bfloat16; sums stay in float. f32 only.
    public static func multiply(
        _ dtype: DType, m: Int, n: Int, k: Int, _ a: MatrixView, _ b: MatrixView, into c: UnsafeMutableRawPointer,
        accumulate: Bool = false, epilogue: GemmEpilogue? = nil, bf16: Bool = false
    ) {
        if m == 0 || n == 0 { return }
        precondition(k > 0, "gemm of (\(m), \(k)) and (\(k), \(n)): the inner size must be positive")
        let packed = PackedMatrix(dtype, b, rows: k, columns: n, bf16: bf16)
        multiply(m: m, a, packed, into: c, accumulate: accumulate, epilogue: epilogue)
    }

    /// The same with a right side that was packed before.
    public static func multiply(
        m: Int, _ a: MatrixView, _ b: PackedMatrix, into c: UnsafeMutableRawPointer, accumulate: Bool = false,
        epilogue: GemmEpilogue? = nil
    ) {
        if m == 0 { return }
        let (n, k, table) = (b.columns, b.rows, Kernels.table(b.dtype))
        ProductCount.add(multiplyAdds: m * n * k)
        let (product, size, mr, nr) = (b.product, b.dtype.size, table.pointee.mr, table.pointee.nr)
        let tiles = (m + mr - 1) / mr
        let panels = (n + nr - 1) / nr
        let (rowBlocks, columnBlocks) = blocks(tiles: tiles, panels: panels)
        // Rows whose distance is a multiple of 4096 bytes fall into one set of the first-level cache.
        let inPlace = !b.isBF16 && a.columnStride == 1 && (a.rowStride * size % 4096 != 0 || m < mr)
        Parallel.forEach(rowBlocks * columnBlocks) { task in
            let (row, column) = (task / columnBlocks, task % columnBlocks)
            let i = row * tiles / rowBlocks * mr
            let height = min((row + 1) * tiles / rowBlocks * mr, m) - i
            let firstPanel = column * panels / columnBlocks
            let lastPanel = (column + 1) * panels / columnBlocks
            let scratch = inPlace ? nil : Storage(byteCount: b.lineBytes(of: b.depth) * ((height + mr - 1) / mr * mr))
            for start in stride(from: 0, to: k, by: b.depth) {
                let depth = min(b.depth, k - start)
                let lines = a.pointer + (i * a.rowStride + start * a.columnStride) * size
                if let scratch { product.pack_a(scratch.pointer, lines, a.rowStride, a.columnStride, height, depth) }
                let adds: Int32 = accumulate || start > 0 ? 1 : 0
                for panel in stride(from: firstPanel, to: lastPanel, by: chunkPanels) {
                    let j = panel * nr
                    let width = min(min(panel + chunkPanels, lastPanel) * nr, n) - j
                    let tile = c + (i * n + j) * size
                    let panel = b.panel(panel, at: start, depth: depth)
                    let steps = b.lineBytes(of: depth) / product.bytes * nr
                    if let scratch {
                        product.multiply(height, width, depth, scratch.pointer, panel, steps, tile, n, adds)
                    } else {
                        table.pointee.gemm_rows(height, width, depth, lines, a.rowStride, panel, steps, tile, n, adds)
                    }
                    if start + depth == k, let epilogue {
                        let offset = (i * n + j) * size
                        table.pointee.epilogue(
                            height, width, tile, n, epilogue.bias.map { $0 + j * size },
                            Int32(epilogue.activation.rawValue), epilogue.pre.map { $0 + offset },
                            epilogue.residual.map { $0 + offset })
                    }
                }
            }
            if let scratch { keepAlive(scratch) }
        }
        keepAlive(b.storage)
    }

    /// Steps of k in one block: equal parts of at most `depthLimit`, in whole fours.
    static func depth(steps: Int) -> Int {
        let parts = (steps + depthLimit - 1) / depthLimit
        return ((steps + parts - 1) / parts + 3) / 4 * 4
    }

    /// How many parts rows and columns are cut into: at most 16 tiles of rows a part, and eight or more parts in whole fours
    /// where there is enough work, so that one, two or four threads have equal shares. Columns are cut where rows are few:
    /// each part of them packs its rows of A again.
    private static func blocks(tiles: Int, panels: Int) -> (rows: Int, columns: Int) {
        if tiles >= 16 { return (max(8, (tiles + 63) / 64 * 4), 1) }
        let rows = max(1, tiles / 2)
        return (rows, min(max(panels / 2, 1), (8 + rows - 1) / rows))
    }
}
