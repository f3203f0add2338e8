import CKernels

/// The left side of a product on its way to the kernels, a block of rows and of k at a time.
struct LeftOperand {
    private enum Way {
        /// Rows are read where they lie.
        case inPlace
        /// Rows of bfloat16 become floats, for products that multiply them as floats.
        case widened
        /// In panels.
        case packed
    }

    private let view: MatrixView
    private let right: PackedMatrix
    private let table: UnsafePointer<dmt_kernels>
    private let way: Way
    /// Bytes of a value where it lies.
    private let size: Int
    /// Keeps widened rows off one set of the cache.
    private static let lineGap = 16

    init(_ view: MatrixView, rows: Int, _ right: PackedMatrix) {
        (self.view, self.right, table) = (view, right, Kernels.table(right.dtype))
        size = view.size(right.dtype)
        // Rows whose distance is a multiple of 4096 bytes fall into one set of the first-level cache.
        let isSpread = view.rowStride * size % 4096 != 0 || rows < table.pointee.mr
        let isWhole = !right.isBF16 || (view.isHalf && right.rows % 2 == 0 && view.rowStride % 2 == 0)
        if right.product.rows != nil && view.columnStride == 1 && isSpread && isWhole {
            way = .inPlace
        } else {
            way = view.isHalf && view.columnStride == 1 && right.product.step == 1 ? .widened : .packed
        }
    }

    /// Memory for one block of `height` rows; nil where they are read in place.
    func room(height: Int) -> Storage? {
        let (mr, gap) = (table.pointee.mr, Self.lineGap * right.dtype.size)
        return way == .inPlace
            ? nil : Storage(byteCount: (right.lineBytes(of: right.depth) + gap) * ((height + mr - 1) / mr * mr))
    }

    /// The block of `height` rows from `row` and of `depth` values of k from `start`, brought to `room`.
    func block(row: Int, height: Int, from start: Int, depth: Int, in room: Storage?) -> UnsafeMutableRawPointer {
        let first = view.pointer + (row * view.rowStride + start * view.columnStride) * size
        guard let room else { return first }
        if way == .packed {
            let pack = view.isHalf ? right.product.pack_half_a! : right.product.pack_a!
            pack(room.pointer, first, view.rowStride, view.columnStride, height, depth)
            return room.pointer
        }
        let line = (depth + Self.lineGap) * right.dtype.size
        for row in 0..<height {
            table.pointee.from_half(
                room.pointer + row * line, (first + row * view.rowStride * size).assumingMemoryBound(to: UInt16.self),
                depth)
        }
        return room.pointer
    }

    /// `c (height, width) (+)= block · panels`, rows of `c` `ld` values apart.
    func multiply(
        _ block: UnsafeMutableRawPointer, height: Int, width: Int, depth: Int, _ panels: UnsafeMutableRawPointer,
        into c: UnsafeMutableRawPointer, ld: Int, accumulate: Bool
    ) {
        let (product, nr, adds) = (right.product, table.pointee.nr, Int32(accumulate ? 1 : 0))
        let steps = right.lineBytes(of: depth) / product.bytes * nr
        switch way {
        case .inPlace: product.rows(height, width, depth, block, view.rowStride, panels, steps, c, ld, adds)
        case .widened:
            table.pointee.full.rows(height, width, depth, block, depth + Self.lineGap, panels, steps, c, ld, adds)
        case .packed: product.multiply(height, width, depth, block, panels, steps, c, ld, adds)
        }
    }
}
