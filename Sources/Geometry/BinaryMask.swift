import CMetricKernels

/// A mask as one byte a pixel, 0 or 1, row by row `(H, W)`.
public struct BinaryMask: Sendable, Hashable {
    public let size: ImageSize
    public var pixels: [UInt8]

    /// - Precondition: `pixels.count == size.pixelCount`. Any value above zero is foreground.
    public init(size: ImageSize, pixels: [UInt8]) {
        precondition(
            pixels.count == size.pixelCount, "mask of \(pixels.count) pixels for a picture of \(size)")
        self.size = size
        self.pixels = pixels
    }

    public init(_ mask: RLEMask) {
        size = mask.size
        pixels = [UInt8](unsafeUninitializedCapacity: mask.size.pixelCount) { buffer, count in
            if mask.size.pixelCount > 0 {
                _ = dmt_rle_decode_rows(
                    mask.runs, mask.runs.count, mask.size.height, mask.size.width, buffer.baseAddress)
            }
            count = mask.size.pixelCount
        }
    }

    public subscript(y: Int, x: Int) -> Bool { pixels[y * size.width + x] != 0 }

    /// Foreground pixels.
    public var area: Int { pixels.reduce(0) { $0 + ($1 != 0 ? 1 : 0) } }

    public var rle: RLEMask { RLEMask(self) }

    /// Mirrored left to right.
    public func flipped() -> BinaryMask {
        var result = self
        for y in 0..<size.height {
            for x in 0..<size.width { result.pixels[y * size.width + x] = pixels[y * size.width + size.width - 1 - x] }
        }
        return result
    }

    /// Nearest pixel by pixel centres: output pixel i reads input pixel floor((i + 0.5) * in / out).
    public func resized(to new: ImageSize) -> BinaryMask {
        let columns = (0..<new.width).map { (2 * $0 + 1) * size.width / (2 * new.width) }
        var out: [UInt8] = []
        out.reserveCapacity(new.pixelCount)
        for y in 0..<new.height {
            let line = (2 * y + 1) * size.height / (2 * new.height) * size.width
            for column in columns { out.append(pixels[line + column]) }
        }
        return BinaryMask(size: new, pixels: out)
    }

    /// The pixels of `rows` x `columns`.
    ///
    /// - Precondition: both ranges lie inside the mask.
    public func cropped(rows: Range<Int>, columns: Range<Int>) -> BinaryMask {
        precondition(
            rows.lowerBound >= 0 && rows.upperBound <= size.height && columns.lowerBound >= 0
                && columns.upperBound <= size.width, "crop \(rows) x \(columns) of a mask of \(size)")
        var out: [UInt8] = []
        out.reserveCapacity(rows.count * columns.count)
        for y in rows { out += pixels[y * size.width + columns.lowerBound..<y * size.width + columns.upperBound] }
        return BinaryMask(size: ImageSize(height: rows.count, width: columns.count), pixels: out)
    }

    /// The mask inside `box`, sampled on a grid of `grid` cells: the target of a mask head.
    ///
    /// Each cell averages bilinear samples of the mask (adaptive count, ceil(box side / cells) a side, pixel centres
    /// at +0.5) and is foreground from 0.5 up: RoIAlign on the bitmap, as detectron2's `BitMasks.crop_and_resize`.
    public func cropped(to box: Box, grid: ImageSize) -> BinaryMask {
        BinaryMask(size: grid, pixels: sums(of: box, grid: grid, aligned: true) { 2 * $0 >= $1 ? 1 : 0 })
    }

    /// The share of each cell that the mask covers, row by row.
    ///
    /// - Parameter aligned: whether pixel centres lie at +0.5. Without it they have whole coordinates and boxes are at
    ///   least one pixel wide and high, as in torchvision's `project_masks_on_boxes`.
    public func coverage(of box: Box, grid: ImageSize, aligned: Bool = true) -> [Float] {
        sums(of: box, grid: grid, aligned: aligned) { Float($0 / $1) }
    }

    /// What `cell` makes of each cell's sum of samples and their number.
    private func sums<Cell>(
        of box: Box, grid: ImageSize, aligned: Bool, _ cell: (_ sum: Double, _ samples: Double) -> Cell
    ) -> [Cell] {
        let shift = aligned ? 0.5 : 0
        let cellHeight = (aligned ? box.height : max(box.height, 1)) / Double(grid.height)
        let cellWidth = (aligned ? box.width : max(box.width, 1)) / Double(grid.width)
        let samplesY = max(1, Int(cellHeight.rounded(.up)))
        let samplesX = max(1, Int(cellWidth.rounded(.up)))
        var result: [Cell] = []
        result.reserveCapacity(grid.pixelCount)
        for row in 0..<grid.height {
            for column in 0..<grid.width {
                var sum = 0.0
                for j in 0..<samplesY {
                    let y = box.y0 - shift + (Double(row) + (Double(j) + 0.5) / Double(samplesY)) * cellHeight
                    for i in 0..<samplesX {
                        let x = box.x0 - shift + (Double(column) + (Double(i) + 0.5) / Double(samplesX)) * cellWidth
                        sum += bilinear(y: y, x: x)
                    }
                }
                result.append(cell(sum, Double(samplesY * samplesX)))
            }
        }
        return result
    }

    /// Value at a point where pixel centres have whole coordinates; zero beyond one pixel outside, edges repeated.
    private func bilinear(y: Double, x: Double) -> Double {
        guard y > -1, y < Double(size.height), x > -1, x < Double(size.width), size.pixelCount > 0 else { return 0 }
        let y = min(max(y, 0), Double(size.height - 1))
        let x = min(max(x, 0), Double(size.width - 1))
        let top = Int(y)
        let left = Int(x)
        let bottom = min(top + 1, size.height - 1)
        let right = min(left + 1, size.width - 1)
        func value(_ row: Int, _ column: Int) -> Double { Double(pixels[row * size.width + column]) }
        let fy = y - Double(top)
        let fx = x - Double(left)
        let upper = value(top, left) * (1 - fx) + value(top, right) * fx
        let lower = value(bottom, left) * (1 - fx) + value(bottom, right) * fx
        return upper * (1 - fy) + lower * fy
    }

    /// A head's soft mask of `grid` cells stretched over `box` in a picture of `size`, foreground from `threshold` up.
    ///
    /// Bilinear between cell centres, zero outside the grid (detectron2's `paste_masks_in_image`).
    ///
    /// - Precondition: `probabilities.count == grid.pixelCount`, row by row.
    public init(
        pasting probabilities: [Float], grid: ImageSize, into box: Box, size: ImageSize, threshold: Float = 0.5
    ) {
        precondition(
            probabilities.count == grid.pixelCount, "\(probabilities.count) probabilities for a grid of \(grid)")
        var pixels = [UInt8](repeating: 0, count: size.pixelCount)
        let scaleX = Double(grid.width) / box.width
        let scaleY = Double(grid.height) / box.height
        // Cells reach half a cell beyond the box before they fade to zero.
        func range(_ low: Double, _ high: Double, _ cell: Double, _ limit: Int) -> Range<Int> {
            guard low.isFinite, high.isFinite, high > low else { return 0..<0 }
            let first = Int(min(max((low - cell).rounded(.down), 0), Double(limit)))
            let last = Int(min(max((high + cell).rounded(.up), 0), Double(limit)))
            return first..<max(first, last)
        }
        for y in range(box.y0, box.y1, 1 / scaleY, size.height) {
            let v = (Double(y) + 0.5 - box.y0) * scaleY - 0.5
            let top = Int(v.rounded(.down))
            let fy = Float(v - Double(top))
            for x in range(box.x0, box.x1, 1 / scaleX, size.width) {
                let u = (Double(x) + 0.5 - box.x0) * scaleX - 0.5
                let left = Int(u.rounded(.down))
                let fx = Float(u - Double(left))
                func cell(_ row: Int, _ column: Int) -> Float {
                    row >= 0 && row < grid.height && column >= 0 && column < grid.width
                        ? probabilities[row * grid.width + column] : 0
                }
                let upper = cell(top, left) * (1 - fx) + cell(top, left + 1) * fx
                let lower = cell(top + 1, left) * (1 - fx) + cell(top + 1, left + 1) * fx
                if upper * (1 - fy) + lower * fy >= threshold { pixels[y * size.width + x] = 1 }
            }
        }
        self.init(size: size, pixels: pixels)
    }
}
