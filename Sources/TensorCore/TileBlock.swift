import CKernels

/// Transformed tiles of one task: for each place a matrix of one line a tile, lines `stride` values apart.
struct TileBlock {
    let lines: Int
    let values: Int
    let stride: Int
    /// Bytes of a value.
    let size: Int
    let storage: Storage

    init(lines: Int, values: Int, stride: Int, size: Int, places: Int) {
        (self.lines, self.values, self.stride, self.size) = (lines, values, stride, size)
        storage = Storage(byteCount: places * lines * stride * size)
    }

    var pointer: UnsafeMutableRawPointer { storage.pointer }
    /// Values from one place to the next.
    var plane: Int { lines * stride }
}

/// Transformed tiles as the left side of a product: in place, or packed where values are rounded.
struct TileOperand {
    private let block: TileBlock
    private let table: UnsafePointer<dmt_kernels>
    private let packed: Storage?
    private let packedLines: Int

    /// - Parameter right: any place's right side, for its precision and its blocks of k.
    init(_ block: TileBlock, _ right: PackedMatrix) {
        self.block = block
        table = Kernels.table(right.dtype)
        let mr = table.pointee.mr
        packedLines = (block.lines + mr - 1) / mr * mr
        guard right.isBF16 else {
            packed = nil
            return
        }
        let places = block.storage.pointer
        let storage = Storage(
            byteCount: TiledConvolution.places * packedLines * right.lineBytes(of: block.values))
        for place in 0..<TiledConvolution.places {
            for start in Swift.stride(from: 0, to: block.values, by: right.depth) {
                right.product.pack_a(
                    storage.pointer
                        + packedLines * (place * right.lineBytes(of: block.values) + right.lineBytes(of: start)),
                    places + (place * block.plane + start) * block.size, block.stride, 1, block.lines,
                    min(right.depth, block.values - start))
            }
        }
        packed = storage
    }

    /// Columns `column..<column + columns` of one place's product, `width` values a line of the result; `column` is a
    /// multiple of the panels' width.
    func multiply(
        _ place: Int, _ right: PackedMatrix, column: Int, columns: Int, into sums: UnsafeMutableRawPointer, width: Int
    ) {
        let nr = table.pointee.nr
        for start in Swift.stride(from: 0, to: block.values, by: right.depth) {
            let depth = min(right.depth, block.values - start)
            let panel = right.panel(column / nr, at: start, depth: depth)
            let steps = right.lineBytes(of: depth) / right.product.bytes * nr
            let adds: Int32 = start > 0 ? 1 : 0
            if let packed {
                let lines =
                    packed.pointer
                    + packedLines * (place * right.lineBytes(of: block.values) + right.lineBytes(of: start))
                right.product.multiply(block.lines, columns, depth, lines, panel, steps, sums, width, adds)
            } else {
                let lines = block.pointer + (place * block.plane + start) * block.size
                table.pointee.full.rows(
                    block.lines, columns, depth, lines, block.stride, panel, steps, sums, width, adds)
            }
        }
        if let packed { keepAlive(packed) }
        keepAlive(right.storage)
    }
}
