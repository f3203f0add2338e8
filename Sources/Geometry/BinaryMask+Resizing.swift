extension BinaryMask {
    /// A head's soft mask of `grid` cells resized to the whole pixels of `box` in a picture of `size`, foreground from
    /// `threshold` up.
    ///
    /// A border of empty cells is added, the box grows with it about its centre and loses its fractions, and the mask is
    /// resized bilinearly to the pixels from its first to its last corner.
    ///
    /// - Precondition: `probabilities.count == grid.pixelCount`, row by row.
    /// - Source: torchvision's `paste_masks_in_image` with padding 1.
    public init(
        resizing probabilities: [Float], grid: ImageSize, into box: Box, size: ImageSize, threshold: Float = 0.5
    ) {
        precondition(
            probabilities.count == grid.pixelCount, "\(probabilities.count) probabilities for a grid of \(grid)")
        let padded = ImageSize(height: grid.height + 2, width: grid.width + 2)
        func cell(_ row: Int, _ column: Int) -> Float {
            (1...grid.height).contains(row) && (1...grid.width).contains(column)
                ? probabilities[(row - 1) * grid.width + column - 1] : 0
        }
        // The reference computes corners in single precision; their fractions decide which pixels are covered.
        func corners(_ low: Double, _ high: Double, _ cells: Int) -> (first: Int, count: Int) {
            let (low, high) = (Float(low), Float(high))
            let half = (high - low) * 0.5 * (Float(cells + 2) / Float(cells))
            let center = (high + low) * 0.5
            let (first, last) = (Int(center - half), Int(center + half))
            return (first, max(last - first + 1, 1))
        }
        var pixels = [UInt8](repeating: 0, count: size.pixelCount)
        let (top, height) = corners(box.y0, box.y1, grid.height)
        let (left, width) = corners(box.x0, box.x1, grid.width)
        func tap(_ position: Int, _ count: Int, _ cells: Int) -> (low: Int, high: Int, share: Float) {
            let center = max((Float(position) + 0.5) * (Float(cells) / Float(count)) - 0.5, 0)
            let low = min(Int(center), cells - 1)
            return (low, min(low + 1, cells - 1), center - Float(low))
        }
        for y in max(top, 0)..<max(min(top + height, size.height), max(top, 0)) {
            let row = tap(y - top, height, padded.height)
            for x in max(left, 0)..<max(min(left + width, size.width), max(left, 0)) {
                let column = tap(x - left, width, padded.width)
                let upper =
                    cell(row.low, column.low) * (1 - column.share) + cell(row.low, column.high) * column.share
                let lower =
                    cell(row.high, column.low) * (1 - column.share) + cell(row.high, column.high) * column.share
                if upper * (1 - row.share) + lower * row.share >= threshold { pixels[y * size.width + x] = 1 }
            }
        }
        self.init(size: size, pixels: pixels)
    }
}
