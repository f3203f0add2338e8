import CKernels
import Determinism

/// The right side of a matrix product in panels, ready for the kernels: made once for weights that do not change.
public final class PackedMatrix {
    public let rows: Int
    public let columns: Int
    public let isBF16: Bool
    let dtype: DType
    let product: dmt_product
    /// Values of k in one block.
    let depth: Int
    let storage: Storage
    private let panelCount: Int
    private let panelWidth: Int

    /// Packs `b (k, n)`.
    ///
    /// - Parameter bf16: rounded to bfloat16; f32 only.
    public init(_ dtype: DType, _ b: MatrixView, rows k: Int, columns n: Int, bf16: Bool = false) {
        precondition(!bf16 || dtype == .f32, "bf16 products take f32 and bf16 operands")
        precondition(bf16 || !b.isHalf, "a bfloat16 operand of a product that does not round")
        let table = Kernels.table(dtype)
        (rows, columns, isBF16, self.dtype) = (k, n, bf16, dtype)
        product = bf16 ? table.pointee.bf16 : table.pointee.full
        panelWidth = table.pointee.nr
        panelCount = (n + panelWidth - 1) / panelWidth
        depth = Gemm.depth(steps: (k + product.step - 1) / product.step) * product.step
        let steps = (k + product.step - 1) / product.step
        storage = Storage(byteCount: panelCount * panelWidth * steps * product.bytes)
        let (panels, width, size) = (panelCount, panelWidth, b.size(dtype))
        let pack = b.isHalf ? product.pack_half_b! : product.pack_b!
        for start in stride(from: 0, to: k, by: depth) {
            let block = min(depth, k - start)
            // Several panels at a time, so that rows of B are read in long pieces.
            let grain = max(32768 / (width * block), (panels + 7) / 8, 1)
            Parallel.forEachRange(panels, grain: grain) { range in
                let first = range.lowerBound * width
                pack(
                    panel(range.lowerBound, at: start, depth: block),
                    b.pointer + (start * b.rowStride + first * b.columnStride) * size, b.rowStride, b.columnStride,
                    block, min(range.upperBound * width, n) - first)
            }
        }
    }

    /// Bytes of one line of `depth` values.
    func lineBytes(of depth: Int) -> Int { (depth + product.step - 1) / product.step * product.bytes }

    /// A panel of the block that begins at row `start`: blocks lie one behind the other, panels side by side in them.
    func panel(_ index: Int, at start: Int, depth block: Int) -> UnsafeMutableRawPointer {
        storage.pointer + (lineBytes(of: start) * panelCount + lineBytes(of: block) * index) * panelWidth
    }
}
