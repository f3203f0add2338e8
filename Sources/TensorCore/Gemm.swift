import CKernels
import Determinism

/// One operand of a matrix product: element `(i, j)` lies at `pointer + i·rowStride + j·columnStride`.
public struct MatrixView {
    public let pointer: UnsafeMutableRawPointer
    public let rowStride: Int
    public let columnStride: Int
    /// Values are bfloat16 in memory; otherwise they have the product's type.
    public let isHalf: Bool

    public init(_ pointer: UnsafeMutableRawPointer, rowStride: Int, columnStride: Int = 1) {
        self.init(pointer, rowStride, columnStride, isHalf: false)
    }

    private init(_ pointer: UnsafeMutableRawPointer, _ rowStride: Int, _ columnStride: Int, isHalf: Bool) {
        self.pointer = pointer
        self.rowStride = rowStride
        self.columnStride = columnStride
        self.isHalf = isHalf
    }

    /// A contiguous matrix of the given width, or its transpose.
    public init(_ tensor: Tensor, width: Int, transposed: Bool = false) {
        self.init(tensor.raw, transposed ? 1 : width, transposed ? width : 1, isHalf: tensor.dtype == .bf16)
    }

    /// Without its first columns.
    func columns(from first: Int, _ dtype: DType) -> MatrixView {
        MatrixView(pointer + first * columnStride * size(dtype), rowStride, columnStride, isHalf: isHalf)
    }

    func size(_ dtype: DType) -> Int { isHalf ? 2 : dtype.size }
}

/// What happens to a block of the product while it is in cache: `c = act(c + bias) + residual`, `pre` keeps `c + bias`.
///
/// `DMT_SLOPE_…` activations read `pre` and multiply `c` by their slope there. Where the product is bfloat16 in memory,
/// `pre` is too, `c + bias` is rounded before the activation, and there is no residual.
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
    /// Rows of C up to which operands that are contiguous across k are read in place, and steps of k in one block of that.
    private static let (narrowRows, narrowDepth) = (512, 256)
    /// Columns of C that are finished at a time, while they are in cache.
    private static let chunkPanels = 8
    /// Most bytes of B that are packed at a time.
    private static let packedBytes = 16 << 20

    /// `c (m, n) (+)= a (m, k) · b (k, n)`, row-major `c` of width `n`.
    ///
    /// The split into blocks depends on the shape only, and every value is one chain of additions along k: the result does
    /// not depend on the number of threads.
    ///
    /// - Parameters:
    ///   - bf16: round both operands to bfloat16; sums stay in float. f32 only; operands in bfloat16 need it.
    ///   - half: `c` is bfloat16 in memory: sums are rounded when they are complete.
    ///   - aside: sums wait outside `c`, which the epilogue may read: `c` can be its `pre`. So it is where `half`.
    public static func multiply(
        _ dtype: DType, m: Int, n: Int, k: Int, _ a: MatrixView, _ b: MatrixView, into c: UnsafeMutableRawPointer,
        accumulate: Bool = false, epilogue: GemmEpilogue? = nil, bf16: Bool = false, half: Bool = false,
        aside: Bool = false
    ) {
        if m == 0 || n == 0 { return }
        precondition(k > 0, "gemm of (\(m), \(k)) and (\(k), \(n)): the inner size must be positive")
        if !bf16 && !half && !aside && epilogue == nil && isNarrow(dtype, m: m, n: n, a, b) {
            multiplyInPlace(dtype, m: m, n: n, k: k, a, b, into: c, accumulate: accumulate)
            return
        }
        let nr = Kernels.table(dtype).pointee.nr
        let step = max(1, packedBytes / (k * nr * dtype.size)) * nr
        for first in stride(from: 0, to: n, by: step) {
            let packed = PackedMatrix(
                dtype, b.columns(from: first, dtype), rows: k, columns: min(step, n - first), bf16: bf16)
            multiply(
                m: m, a, packed, into: c, from: first, of: n, accumulate: accumulate, epilogue: epilogue, half: half,
                aside: aside)
        }
    }

    /// The same with a right side that was packed before.
    public static func multiply(
        m: Int, _ a: MatrixView, _ b: PackedMatrix, into c: UnsafeMutableRawPointer, accumulate: Bool = false,
        epilogue: GemmEpilogue? = nil, half: Bool = false, aside: Bool = false
    ) {
        multiply(
            m: m, a, b, into: c, from: 0, of: b.columns, accumulate: accumulate, epilogue: epilogue, half: half,
            aside: aside)
    }

    /// The columns of `c` from `skipped` on, as many as `b` has, of `n` in all.
    private static func multiply(
        m: Int, _ a: MatrixView, _ b: PackedMatrix, into c: UnsafeMutableRawPointer, from skipped: Int, of n: Int,
        accumulate: Bool, epilogue: GemmEpilogue?, half: Bool, aside: Bool
    ) {
        if m == 0 { return }
        let aside = aside || half
        precondition(b.isBF16 || !(a.isHalf || half), "a bfloat16 operand of a product that does not round")
        precondition(!half || epilogue?.residual == nil, "no residual is added to a bfloat16 product")
        precondition(!aside || !accumulate, "sums that wait aside start at zero")
        let (k, table) = (b.rows, Kernels.table(b.dtype))
        ProductCount.add(multiplyAdds: m * b.columns * k)
        let (size, mr, nr) = (b.dtype.size, table.pointee.mr, table.pointee.nr)
        let tiles = (m + mr - 1) / mr
        let panels = (b.columns + nr - 1) / nr
        let (rowBlocks, columnBlocks) = blocks(tiles: tiles, panels: panels, mr: mr, nr: nr)
        let left = LeftOperand(a, rows: m, b)
        Parallel.forEach(rowBlocks * columnBlocks) { task in
            let (row, column) = (task / columnBlocks, task % columnBlocks)
            let i = row * tiles / rowBlocks * mr
            let height = min((row + 1) * tiles / rowBlocks * mr, m) - i
            let firstPanel = column * panels / columnBlocks
            let lastPanel = (column + 1) * panels / columnBlocks
            let room = left.room(height: height)
            // Sums that wait: those of a chunk, or of all columns where k comes in several blocks.
            let waiting = k <= b.depth ? min(chunkPanels, lastPanel - firstPanel) : lastPanel - firstPanel
            let sums = aside ? Storage(byteCount: height * waiting * nr * size) : nil
            for start in stride(from: 0, to: k, by: b.depth) {
                let depth = min(b.depth, k - start)
                let block = left.block(row: i, height: height, from: start, depth: depth, in: room)
                for panel in stride(from: firstPanel, to: lastPanel, by: chunkPanels) {
                    let j = panel * nr
                    let width = min(min(panel + chunkPanels, lastPanel) * nr, b.columns) - j
                    let place = i * n + skipped + j
                    let waited = k <= b.depth ? 0 : (panel - firstPanel) * nr
                    let tile = sums.map { $0.pointer + waited * size } ?? c + place * size
                    let ld = aside ? waiting * nr : n
                    left.multiply(
                        block, height: height, width: width, depth: depth, b.panel(panel, at: start, depth: depth),
                        into: tile, ld: ld, accumulate: accumulate || start > 0)
                    if start + depth < k { continue }
                    finish(table, size, epilogue, height, width, tile, ld, c, at: place, n, half: half)
                }
            }
            if let room { keepAlive(room) }
            if let sums { keepAlive(sums) }
        }
        keepAlive(b.storage)
    }

    /// Whether both operands are best read where they lie: they are contiguous across k, and a step of k is a short piece of
    /// memory, so that packing it would cost more than it saves.
    private static func isNarrow(_ dtype: DType, m: Int, n: Int, _ a: MatrixView, _ b: MatrixView) -> Bool {
        // Lines whose distance is a multiple of 4096 bytes fall into one set of the first-level cache.
        a.rowStride == 1 && b.columnStride == 1 && !a.isHalf && !b.isHalf && m <= narrowRows
            && n % Kernels.table(dtype).pointee.nr == 0 && a.columnStride * dtype.size % 4096 != 0
            && b.rowStride * dtype.size % 4096 != 0
    }

    private static func multiplyInPlace(
        _ dtype: DType, m: Int, n: Int, k: Int, _ a: MatrixView, _ b: MatrixView, into c: UnsafeMutableRawPointer,
        accumulate: Bool
    ) {
        ProductCount.add(multiplyAdds: m * n * k)
        let (size, table) = (dtype.size, Kernels.table(dtype))
        let (mr, nr) = (table.pointee.mr, table.pointee.nr)
        let (tiles, panels) = ((m + mr - 1) / mr, n / nr)
        let (rowBlocks, columnBlocks) = blocks(tiles: tiles, panels: panels, mr: mr, nr: nr)
        Parallel.forEach(rowBlocks * columnBlocks) { task in
            let (row, column) = (task / columnBlocks, task % columnBlocks)
            let i = row * tiles / rowBlocks * mr
            let height = min((row + 1) * tiles / rowBlocks * mr, m) - i
            let j = column * panels / columnBlocks * nr
            let width = (column + 1) * panels / columnBlocks * nr - j
            for start in stride(from: 0, to: k, by: narrowDepth) {
                table.pointee.full.columns(
                    height, width, min(narrowDepth, k - start), a.pointer + (i + start * a.columnStride) * size,
                    a.columnStride, b.pointer + (j + start * b.rowStride) * size, b.rowStride,
                    c + (i * n + j) * size, n, Int32(accumulate || start > 0 ? 1 : 0))
            }
        }
    }

    /// The epilogue of a block whose sums are complete, at value `place` of `c`.
    private static func finish(
        _ table: UnsafePointer<dmt_kernels>, _ size: Int, _ epilogue: GemmEpilogue?, _ height: Int, _ width: Int,
        _ sums: UnsafeMutableRawPointer, _ ld: Int, _ c: UnsafeMutableRawPointer, at place: Int, _ n: Int, half: Bool
    ) {
        let bias = epilogue?.bias.map { $0 + place % n * size }
        let step = half ? 2 : size
        let (pre, out) = (epilogue?.pre.map { $0 + place * step }, c + place * step)
        let activation = Int32(epilogue?.activation.rawValue ?? DMT_ACT_NONE.rawValue)
        if half {
            table.pointee.epilogue_half(
                height, width, sums, ld, bias, activation, pre?.assumingMemoryBound(to: UInt16.self),
                out.assumingMemoryBound(to: UInt16.self), n)
        } else if epilogue != nil || sums != out {
            table.pointee.epilogue(
                height, width, sums, ld, bias, activation, pre, epilogue?.residual.map { $0 + place * size }, out, n)
        }
    }

    /// Steps of k in one block: equal parts of at most `depthLimit`, in whole fours.
    static func depth(steps: Int) -> Int {
        let parts = (steps + depthLimit - 1) / depthLimit
        return ((steps + parts - 1) / parts + 3) / 4 * 4
    }

    /// How many parts rows and columns are cut into: at most 16 tiles of rows a part, and eight or more parts in whole fours
    /// where there is enough work, so that one, two or four threads have equal shares. Each part of the rows reads all of B
    /// that it multiplies, each part of the columns all of A: the cut that reads least is taken.
    private static func blocks(tiles: Int, panels: Int, mr: Int, nr: Int) -> (rows: Int, columns: Int) {
        let (mostRows, mostColumns) = (max(1, tiles / 2), max(1, panels / 2))
        var best = (rows: 1, columns: 1)
        var least = Int.max
        for wanted in [1, 2, 4, 8] {
            let columns = min(wanted, mostColumns)
            let needed = max((tiles + 15) / 16, (8 + columns - 1) / columns)
            // Whole fours together.
            let step = columns % 4 == 0 ? 1 : columns % 2 == 0 ? 2 : 4
            let rows = min((needed + step - 1) / step * step, max(mostRows, (tiles + 15) / 16))
            let isEnough = rows * columns >= 8 || wanted == 8
            let reads = rows * panels * nr + columns * tiles * mr
            if isEnough && reads < least { (best, least) = ((rows, columns), reads) }
        }
        return best
    }
}
