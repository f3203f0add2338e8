import CKernels
import Determinism

/// 3x3 convolution of `(N, H, W, C)` with stride 1 and a border of one zero, as 16 matrix products on tiles of 2x2 results.
///
/// Goals, ranked: 1 the result depends on shapes only: every value is one chain of additions along the channels, however
/// tiles are shared out; 2 fewer products than the definition, 16 in place of 36; 3 no copy of the picture in memory: the
/// tiles of a task stay in cache from the picture to the result.
///
/// - Accuracy: for values of one size the error is about 1.6 times that of the definition's own sum, in f32 and with bf16
///   products alike: the places of a transformed tile and of transformed weights are sums of up to four and nine values.
/// - Source: Lavin, Gray 2016, arXiv:1509.09308, F(2x2, 3x3).
public struct TiledConvolution {
    /// Places of a tile, each a matrix product over all tiles.
    static let places = 16
    /// Tiles of one task at most: their places fill the second-level cache.
    private static let tilesPerTask = 96
    /// Results that are finished at a time, while their places are in cache.
    private static let chunk = 128
    /// Tiles whose products are added to the gradient of the weights at a time.
    private static let gradientDepth = 256
    /// Keeps the lines of a block off one set of the cache.
    private static let lineGap = 16

    public let pictures: Int
    public let height: Int
    public let width: Int
    public let inputs: Int
    public let outputs: Int
    public let dtype: DType
    /// Whether products round both operands to bfloat16, tiles and weights after their transformation; f32 only.
    public let bf16: Bool
    private let tiles: dmt_tiles

    public init(
        pictures: Int, height: Int, width: Int, inputs: Int, outputs: Int, dtype: DType, bf16: Bool = false
    ) {
        precondition(!bf16 || dtype == .f32, "bf16 products take f32 operands")
        (self.pictures, self.height, self.width, self.dtype, self.bf16) = (pictures, height, width, dtype, bf16)
        (self.inputs, self.outputs) = (inputs, outputs)
        tiles = dmt_tiles(height: height, width: width, down: (height + 1) / 2, across: (width + 1) / 2)
    }

    private var tileCount: Int { pictures * tiles.down * tiles.across }
    private var table: UnsafePointer<dmt_kernels> { Kernels.table(dtype) }

    private func countProducts() { ProductCount.add(multiplyAdds: 9 * pictures * height * width * inputs * outputs) }

    // MARK: Forward and the gradient of the picture

    /// `y (N, H, W, O) = act(x ∗ w + bias)`.
    ///
    /// - Parameters:
    ///   - x: `(N, H, W, I)`.
    ///   - weight: `(O, I, 3, 3)`.
    ///   - relu: the activation; none otherwise.
    public func apply(
        _ x: UnsafeMutableRawPointer, weight: UnsafeMutableRawPointer, bias: UnsafeMutableRawPointer? = nil,
        relu: Bool = false, into y: UnsafeMutableRawPointer
    ) {
        let packed = transformed(weight) { place, values in
            PackedMatrix(
                dtype, MatrixView(values + place, rowStride: 1, columnStride: inputs), rows: inputs, columns: outputs,
                bf16: bf16)
        }
        multiply(x, channels: inputs, packed, results: outputs, bias: bias, relu: relu, into: y)
    }

    /// `dx (N, H, W, I)`: the convolution of `dy (N, H, W, O)` with the weights turned by half a turn. A turned weight has
    /// the first and last place of each axis exchanged.
    public func inputGradient(
        _ dy: UnsafeMutableRawPointer, weight: UnsafeMutableRawPointer, into dx: UnsafeMutableRawPointer
    ) {
        let packed = transformed(weight) { place, values in
            PackedMatrix(
                dtype, MatrixView(values + place, rowStride: inputs), rows: outputs, columns: inputs, bf16: bf16)
        }
        let turned = (0..<Self.places).map { place in
            let other = [3, 1, 2, 0]
            return packed[other[place / 4] * 4 + other[place % 4]]
        }
        multiply(dy, channels: outputs, turned, results: inputs, bias: nil, relu: false, into: dx)
    }

    /// The weights of each place, `(O, I)`, at a byte offset, packed by `pack`.
    private func transformed(
        _ weight: UnsafeMutableRawPointer, _ pack: (_ offset: Int, _ values: UnsafeMutableRawPointer) -> PackedMatrix
    ) -> [PackedMatrix] {
        let plane = outputs * inputs * dtype.size
        let storage = Storage(byteCount: Self.places * plane)
        let values = storage.pointer
        Parallel.forEachRange(outputs, grain: max(1, 4096 / inputs)) { range in
            table.pointee.winograd_weights(values, weight, inputs, outputs, range.lowerBound, range.upperBound)
        }
        let packed = (0..<Self.places).map { pack($0 * plane, values) }
        keepAlive(storage)
        return packed
    }

    private func multiply(
        _ x: UnsafeMutableRawPointer, channels: Int, _ packed: [PackedMatrix], results: Int,
        bias: UnsafeMutableRawPointer?, relu: Bool, into y: UnsafeMutableRawPointer
    ) {
        countProducts()
        let (table, size, total) = (table, dtype.size, tileCount)
        let zeros = Tensor.zeros([channels], dtype)
        let share = tilesOfTask
        let activation = Int32((relu ? DMT_ACT_RELU : DMT_ACT_NONE).rawValue)
        Parallel.forEachRange(total, grain: share) { range in
            let (first, count) = (range.lowerBound, range.count)
            var tiles = tiles
            let block = TileBlock(
                lines: count, values: channels, stride: channels + Self.lineGap, size: size, places: Self.places)
            table.pointee.winograd_input(
                block.pointer, block.stride, block.plane, x, &tiles, channels, first, count, zeros.raw)
            let operand = TileOperand(block, packed[0])
            let sums = Storage(byteCount: Self.places * count * Self.chunk * size)
            for column in stride(from: 0, to: results, by: Self.chunk) {
                let columns = min(Self.chunk, results - column)
                for place in 0..<Self.places {
                    operand.multiply(
                        place, packed[place], column: column, columns: columns,
                        into: sums.pointer + place * count * Self.chunk * size, width: Self.chunk)
                }
                table.pointee.winograd_output(
                    y + column * size, &tiles, results, columns, sums.pointer, Self.chunk, count * Self.chunk, first,
                    count, bias.map { $0 + column * size }, activation)
            }
            keepAlive(sums, block.storage)
        }
        keepAlive(zeros.storage)
    }

    /// Equal shares of whole panels in multiples of four tasks, so that one, two or four threads have equal work.
    private var tilesOfTask: Int {
        let rows = table.pointee.mr
        let tasks = (tileCount + 4 * Self.tilesPerTask - 1) / (4 * Self.tilesPerTask) * 4
        return ((tileCount + tasks - 1) / tasks + rows - 1) / rows * rows
    }

    // MARK: The gradient of the weights

    /// `dw (O, I, 3, 3)` from `x (N, H, W, I)` and `dy (N, H, W, O)`: each place of the transformed weights is a product
    /// over all tiles, added up in their order.
    public func weightGradient(
        _ x: UnsafeMutableRawPointer, _ dy: UnsafeMutableRawPointer, into dw: UnsafeMutableRawPointer
    ) {
        countProducts()
        let (table, plane) = (table, outputs * inputs * dtype.size)
        let storage = Storage(byteCount: Self.places * plane)
        let zeros = Tensor.zeros([max(inputs, outputs)], dtype)
        let sums = storage.pointer
        Parallel.forEach(Self.places) { place in
            addProducts(of: place, x, dy, zeros: zeros.raw, into: sums + place * plane)
        }
        Parallel.forEachRange(outputs, grain: max(1, 4096 / inputs)) { range in
            table.pointee.winograd_weights_backward(dw, sums, inputs, outputs, range.lowerBound, range.upperBound)
        }
        keepAlive(storage, zeros.storage)
    }

    private func addProducts(
        of place: Int, _ x: UnsafeMutableRawPointer, _ dy: UnsafeMutableRawPointer, zeros: UnsafeMutableRawPointer,
        into sums: UnsafeMutableRawPointer
    ) {
        let (table, size, total) = (table, dtype.size, tileCount)
        let (mr, nr) = (table.pointee.mr, table.pointee.nr)
        let product = bf16 ? table.pointee.bf16 : table.pointee.full
        let depth = min(Self.gradientDepth, total)
        var tiles = tiles
        func lineBytes(_ depth: Int) -> Int { (depth + product.step - 1) / product.step * product.bytes }
        let pixels = TileBlock(lines: depth, values: inputs, stride: inputs + Self.lineGap, size: size, places: 1)
        let slopes = TileBlock(lines: depth, values: outputs, stride: outputs + Self.lineGap, size: size, places: 1)
        let packedSlopes = Storage(byteCount: (outputs + mr) * lineBytes(depth))
        let packedPixels = Storage(byteCount: (inputs + nr) * lineBytes(depth))
        for first in stride(from: 0, to: total, by: depth) {
            let count = min(depth, total - first)
            table.pointee.winograd_input_place(
                pixels.pointer, pixels.stride, x, &tiles, inputs, first, count, Int32(place), zeros)
            table.pointee.winograd_gradient_place(
                slopes.pointer, slopes.stride, dy, &tiles, outputs, first, count, Int32(place), zeros)
            product.pack_a(packedSlopes.pointer, slopes.pointer, 1, slopes.stride, outputs, count)
            product.pack_b(packedPixels.pointer, pixels.pointer, pixels.stride, 1, count, inputs)
            for row in stride(from: 0, to: outputs, by: 16 * mr) {
                product.multiply(
                    min(16 * mr, outputs - row), inputs, count, packedSlopes.pointer + row * lineBytes(count),
                    packedPixels.pointer, lineBytes(count) / product.bytes * nr, sums + row * inputs * size, inputs,
                    first > 0 ? 1 : 0)
            }
        }
        keepAlive(pixels.storage, slopes.storage, packedSlopes, packedPixels)
    }
}
