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

/// The matrix product of the engine: packed panels of B, blocks of rows in parallel.
public enum Gemm {
    private static let depth = 256

    /// `c (m, n) (+)= a (m, k) · b (k, n)`, row-major `c` of width `n`.
    ///
    /// The split into blocks depends on the shape only, so the result does not depend on the number of threads.
    ///
    /// - Parameter bf16: round both operands to bfloat16; sums stay in float. f32 with row-major `a` only.
    public static func multiply(
        _ dtype: DType, m: Int, n: Int, k: Int, _ a: MatrixView, _ b: MatrixView, into c: UnsafeMutableRawPointer,
        accumulate: Bool = false, epilogue: GemmEpilogue? = nil, bf16: Bool = false
    ) {
        if m == 0 || n == 0 { return }
        ProductCount.add(multiplyAdds: m * n * k)
        precondition(k > 0, "gemm of (\(m), \(k)) and (\(k), \(n)): the inner size must be positive")
        if bf16 {
            precondition(dtype == .f32 && a.columnStride == 1 && !accumulate, "bf16 gemm: row-major f32 operands only")
            multiplyBF16(m: m, n: n, k: k, a, b, into: c, epilogue: epilogue)
            return
        }
        let table = Kernels.table(dtype)
        let (size, nr, mr) = (dtype.size, table.pointee.nr, table.pointee.mr)
        let panelCount = (n + nr - 1) / nr
        let packed = Storage(byteCount: panelCount * nr * k * size)
        let packedBase = packed.pointer
        // Panels of one depth block lie together: block p starts at p · panelCount · nr values.
        let panelGrain = max(1, 16384 / (nr * k))
        Parallel.forEachRange(panelCount, grain: panelGrain) { panels in
            for start in stride(from: 0, to: k, by: depth) {
                let rows = min(depth, k - start)
                let first = panels.lowerBound * nr
                table.pointee.pack_b(
                    packedBase + (start * panelCount * nr + first * rows) * size,
                    b.pointer + (start * b.rowStride + first * b.columnStride) * size, b.rowStride, b.columnStride,
                    rows, min(panels.upperBound * nr, n) - first)
            }
        }
        let rowBlock = blockRows(m, mr: mr)
        let rowBlocks = (m + rowBlock - 1) / rowBlock
        let columnSplits = max(1, min(panelCount, (8 + rowBlocks - 1) / rowBlocks))
        let columnBlock = (panelCount + columnSplits - 1) / columnSplits * nr
        Parallel.forEach(rowBlocks * columnSplits) { task in
            let i = task / columnSplits * rowBlock
            let j = task % columnSplits * columnBlock
            if j >= n { return }
            let (height, width) = (min(rowBlock, m - i), min(columnBlock, n - j))
            let tile = c + (i * n + j) * size
            for start in stride(from: 0, to: k, by: depth) {
                let rows = min(depth, k - start)
                table.pointee.gemm_block(
                    height, width, rows, a.pointer + (i * a.rowStride + start * a.columnStride) * size, a.rowStride,
                    a.columnStride, packedBase + (start * panelCount * nr + j * rows) * size, rows * nr, tile, n,
                    accumulate || start > 0 ? 1 : 0)
            }
            finish(table, epilogue, i, j, height, width, n, tile, size)
        }
        keepAlive(packed)
    }

    private static func blockRows(_ m: Int, mr: Int) -> Int {
        let wanted = (m + 15) / 16
        return min(max((wanted + mr - 1) / mr, 1) * mr, 144 / mr * mr)
    }

    private static func finish(
        _ table: UnsafePointer<dmt_kernels>, _ epilogue: GemmEpilogue?, _ i: Int, _ j: Int, _ height: Int, _ width: Int,
        _ n: Int, _ tile: UnsafeMutableRawPointer, _ size: Int
    ) {
        guard let epilogue else { return }
        let offset = (i * n + j) * size
        table.pointee.epilogue(
            height, width, tile, n, epilogue.bias.map { $0 + j * size }, Int32(epilogue.activation.rawValue),
            epilogue.pre.map { $0 + offset }, epilogue.residual.map { $0 + offset })
    }

    private static func multiplyBF16(
        m: Int, n: Int, k: Int, _ a: MatrixView, _ b: MatrixView, into c: UnsafeMutableRawPointer,
        epilogue: GemmEpilogue?
    ) {
        let table = Kernels.table(.f32)
        let (nr, mr) = (table.pointee.nr, table.pointee.mr)
        let panelBytes = table.pointee.bf16_panel_bytes * ((k + 1) / 2)
        let panelCount = (n + nr - 1) / nr
        let packed = Storage(byteCount: panelCount * panelBytes)
        let base = packed.pointer
        Parallel.forEach(panelCount) { panel in
            table.pointee.pack_b_bf16(
                base + panel * panelBytes, b.pointer + panel * nr * b.columnStride * 4, b.rowStride, b.columnStride, k,
                min(nr, n - panel * nr))
        }
        let rowBlock = min(blockRows(m, mr: mr), 96 / mr * mr)
        Parallel.forEachRange(m, grain: rowBlock) { rows in
            let scratch = Storage(byteCount: (rows.count + mr) * (k + 2) * 4)
            let tile = c + rows.lowerBound * n * 4
            table.pointee.gemm_bf16(
                rows.count, n, k, a.pointer + rows.lowerBound * a.rowStride * 4, a.rowStride, base, tile, n,
                scratch.pointer)
            finish(table, epilogue, rows.lowerBound, 0, rows.count, n, n, tile, 4)
            keepAlive(scratch)
        }
        keepAlive(packed)
    }
}
