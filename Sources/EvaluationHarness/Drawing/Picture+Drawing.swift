import DenseData
import Geometry
import ImageFiles

/// Red, green and blue.
typealias RGB = (UInt8, UInt8, UInt8)

extension Picture {
    /// Fills a rectangle; what lies outside the picture is cut off.
    mutating func fill(rows: Range<Int>, columns: Range<Int>, _ colour: RGB) {
        let (rows, columns) = (rows.clamped(to: 0..<height), columns.clamped(to: 0..<width))
        for y in rows {
            for x in columns { set(y, x, colour) }
        }
    }

    /// A frame just inside `box`, of pixels of this picture.
    ///
    /// - Parameter dash: pixels of line and of gap; nil for a whole line.
    mutating func frame(_ box: Box, _ colour: RGB, thickness: Int = 1, dash: Int? = nil) {
        let (left, right) = (Self.place(box.x0, width), Self.place(max(box.x0, box.x1 - 1), width))
        let (top, bottom) = (Self.place(box.y0, height), Self.place(max(box.y0, box.y1 - 1), height))
        func isDrawn(_ along: Int) -> Bool { dash.map { along / $0 % 2 == 0 } ?? true }
        for inset in 0..<thickness {
            let (low, high) = (min(top + inset, bottom), max(bottom - inset, top))
            for x in left...max(left, right) where isDrawn(x - left) {
                set(low, x, colour)
                set(high, x, colour)
            }
            let (first, last) = (min(left + inset, right), max(right - inset, left))
            for y in top...max(top, bottom) where isDrawn(y - top) {
                set(y, first, colour)
                set(y, last, colour)
            }
        }
    }

    /// The pixel that holds a coordinate, the nearest one for those outside.
    private static func place(_ value: Double, _ count: Int) -> Int {
        value.isNaN ? 0 : Int(min(max(value.rounded(.down), 0), Double(count - 1)))
    }

    /// Mixes a mask's pixels with a colour and draws its outline.
    ///
    /// - Precondition: the mask has the picture's size.
    mutating func tint(_ mask: BinaryMask, _ colour: RGB, share: Double = 0.35) {
        precondition(
            mask.size == ImageSize(height: height, width: width), "mask of \(mask.size) on \(height)x\(width) pixels")
        let covered = mask.pixels
        for y in 0..<height {
            for x in 0..<width where covered[y * width + x] != 0 {
                let at = y * width + x
                let isInside =
                    y > 0 && covered[at - width] != 0 && y + 1 < height && covered[at + width] != 0 && x > 0
                    && covered[at - 1] != 0 && x + 1 < width && covered[at + 1] != 0
                if isInside { mix(y, x, colour, share) } else { set(y, x, colour) }
            }
        }
    }

    /// A pixel brought nearer to a colour: by nothing at a share of 0, wholly at 1.
    mutating func mix(_ y: Int, _ x: Int, _ colour: RGB, _ share: Double) {
        let at = (y * width + x) * 3
        func mixed(_ old: UInt8, _ new: UInt8) -> UInt8 {
            UInt8((Double(old) + (Double(new) - Double(old)) * share).rounded())
        }
        pixels[at] = mixed(pixels[at], colour.0)
        pixels[at + 1] = mixed(pixels[at + 1], colour.1)
        pixels[at + 2] = mixed(pixels[at + 2], colour.2)
    }

    mutating func set(_ y: Int, _ x: Int, _ colour: RGB) {
        let at = (y * width + x) * 3
        (pixels[at], pixels[at + 1], pixels[at + 2]) = colour
    }

    /// Writes a text with its upper left corner at (x, y); what lies outside the picture is cut off.
    ///
    /// - Parameter scale: pixels a pixel of the font.
    mutating func letter(_ text: String, x: Int, y: Int, scale: Int, _ colour: RGB) {
        for (index, glyph) in BitmapFont.glyphs(text).enumerated() {
            let left = x + index * BitmapFont.advance * scale
            if left >= width { return }
            for (row, bits) in glyph.enumerated() {
                for column in 0..<BitmapFont.width where bits >> UInt8(BitmapFont.width - 1 - column) & 1 == 1 {
                    let (top, start) = (y + row * scale, left + column * scale)
                    fill(rows: top..<top + scale, columns: start..<start + scale, colour)
                }
            }
        }
    }

    /// Each pixel from the nearest one of this picture, by pixel centres.
    func resizedNearest(to size: ImageSize) -> Picture {
        if size == ImageSize(height: height, width: width) { return self }
        var result = Picture(height: size.height, width: size.width)
        for y in 0..<size.height {
            let row = (2 * y + 1) * height / (2 * size.height)
            for x in 0..<size.width {
                let from = 3 * (row * width + (2 * x + 1) * width / (2 * size.width))
                let to = 3 * (y * size.width + x)
                for channel in 0..<3 { result.pixels[to + channel] = pixels[from + channel] }
            }
        }
        return result
    }

    /// Smaller ones bilinearly, larger ones by whole squares of pixels.
    func shown(at size: ImageSize) -> Picture {
        if size.height >= height && size.width >= width { return resizedNearest(to: size) }
        return Framing(of: ImageSize(height: height, width: width), squeezedTo: size).picture(
            self, filter: .bilinearAntialiased)
    }

    /// Pictures of one height beside each other.
    ///
    /// - Precondition: at least one picture; equal heights.
    static func row(_ pictures: [Picture]) -> Picture {
        let height = pictures[0].height
        precondition(pictures.allSatisfy { $0.height == height }, "a row of pictures of different heights")
        let width = pictures.reduce(0) { $0 + $1.width }
        var pixels: [UInt8] = []
        pixels.reserveCapacity(3 * height * width)
        for y in 0..<height {
            for picture in pictures { pixels += picture.pixels[3 * y * picture.width..<3 * (y + 1) * picture.width] }
        }
        return Picture(height: height, width: width, pixels: pixels)
    }

    /// Pictures of one width below each other.
    ///
    /// - Precondition: at least one picture; equal widths.
    static func column(_ pictures: [Picture]) -> Picture {
        let width = pictures[0].width
        precondition(pictures.allSatisfy { $0.width == width }, "a column of pictures of different widths")
        return Picture(
            height: pictures.reduce(0) { $0 + $1.height }, width: width, pixels: pictures.flatMap(\.pixels))
    }
}

extension ImageSize {
    /// The size at which a picture of this one is shown: its long side as near to `side` as it gets, small pictures
    /// enlarged by whole factors.
    func shown(longSide side: Int) -> ImageSize {
        let long = max(height, width)
        if long <= side {
            let factor = max(1, side / max(long, 1))
            return ImageSize(height: height * factor, width: width * factor)
        }
        func scaled(_ length: Int) -> Int { max(1, (length * side + long / 2) / long) }
        return ImageSize(height: scaled(height), width: scaled(width))
    }
}
