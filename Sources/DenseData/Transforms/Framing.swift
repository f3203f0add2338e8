import Annotations
import Geometry
import ImageFiles
import SafeFiles

/// How a source picture becomes an input: cut a window, resize it, cut a window of that, mirror it, pad right and bottom.
///
/// One value moves pictures, labels, boxes, polygons and masks alike, so they cannot drift apart. In coordinates it is
/// axis-aligned and affine: `x' = scaleX * x + moveX`, with a negative `scaleX` when mirrored.
public struct Framing: Sendable, Hashable {
    /// The part of the source that is used.
    public var source: Window
    /// The size that part is resized to.
    public var resized: ImageSize
    /// The part of the resized picture that is kept.
    public var crop: Window
    /// Mirrored left to right, before padding.
    public var isMirrored: Bool
    /// The result's size; what the crop does not fill is padding.
    public var output: ImageSize

    /// - Precondition: each window lies in what it cuts, and the crop fits into the output.
    public init(source: Window, resized: ImageSize, crop: Window, isMirrored: Bool = false, output: ImageSize) {
        precondition(
            crop.top >= 0 && crop.left >= 0 && crop.top + crop.height <= resized.height
                && crop.left + crop.width <= resized.width,
            "crop \(crop) of a picture of \(resized)")
        precondition(
            crop.height <= output.height && crop.width <= output.width, "crop \(crop) in an output of \(output)")
        self.source = source
        self.resized = resized
        self.crop = crop
        self.isMirrored = isMirrored
        self.output = output
    }

    /// The whole picture squeezed to a size.
    public init(of picture: ImageSize, squeezedTo size: ImageSize) {
        self.init(
            source: Window(height: picture.height, width: picture.width), resized: size,
            crop: Window(height: size.height, width: size.width), output: size)
    }

    /// The whole picture, aspect kept, as large as fits into `limit`; padded to multiples of `divisor`, or to `limit`
    /// itself when `fillsLimit`.
    public init(of picture: ImageSize, fittedInto limit: ImageSize, divisor: Int = 1, fillsLimit: Bool = false) {
        let scale = min(
            Double(limit.height) / Double(picture.height), Double(limit.width) / Double(picture.width))
        let size = ImageSize(
            height: min(max(1, Int(Double(picture.height) * scale + 0.5)), limit.height),
            width: min(max(1, Int(Double(picture.width) * scale + 0.5)), limit.width))
        self.init(
            source: Window(height: picture.height, width: picture.width), resized: size,
            crop: Window(height: size.height, width: size.width),
            output: fillsLimit ? limit : size.roundedUp(toMultiplesOf: divisor))
    }

    /// The whole picture, aspect kept, at a short side, or smaller where its long side is at its limit; padded to a square.
    ///
    /// - Precondition: the long side fits the square.
    public init(of picture: ImageSize, shortSide: Int, longSide: Int, square: Int) {
        let size = picture.scaled(by: picture.scale(shortSide: shortSide, longSide: longSide))
        self.init(
            source: Window(height: picture.height, width: picture.width), resized: size,
            crop: Window(height: size.height, width: size.width), output: ImageSize(height: square, width: square))
    }

    /// Short side to `shortSide`, then the middle square of `crop` pixels: the usual classification test view.
    public init(of picture: ImageSize, shortSide: Int, centreCrop: Int) {
        precondition(centreCrop <= shortSide, "centre crop \(centreCrop) of a short side of \(shortSide)")
        let short = min(picture.height, picture.width)
        let size = ImageSize(
            height: picture.height == short ? shortSide : picture.height * shortSide / short,
            width: picture.width == short ? shortSide : picture.width * shortSide / short)
        let middle = Window(
            top: (size.height - centreCrop + 1) / 2, left: (size.width - centreCrop + 1) / 2, height: centreCrop,
            width: centreCrop)
        self.init(
            source: Window(height: picture.height, width: picture.width), resized: size, crop: middle,
            output: ImageSize(height: centreCrop, width: centreCrop))
    }

    public func mirrored(_ mirror: Bool = true) -> Framing {
        var copy = self
        copy.isMirrored = isMirrored != mirror
        return copy
    }

    // MARK: pixels

    /// The result's picture; padding has the colour `fill`.
    ///
    /// - Precondition: `picture` has the size that this framing was made for.
    public func picture(
        _ picture: Picture, filter: Resize.Filter, fill: (UInt8, UInt8, UInt8) = (0, 0, 0)
    ) -> Picture {
        let (rows, columns) = taps(filter)
        return resized(picture, rows, columns, top: source.top, left: source.left, fill)
    }

    /// The same from a file: of a JPEG, only the part that the result shows is decoded.
    ///
    /// - Throws: as decoding does; damage outside the part may stay unseen.
    public func picture(
        of file: EncodedPicture, filter: Resize.Filter, fill: (UInt8, UInt8, UInt8) = (0, 0, 0)
    ) throws(DataError) -> Picture {
        let (rows, columns) = taps(filter)
        let window = window(rows, columns)
        return resized(try file.decoded(window), window, rows, columns, fill)
    }

    private func resized(
        _ part: Picture, _ window: Window, _ rows: ResizeTaps, _ columns: ResizeTaps, _ fill: (UInt8, UInt8, UInt8)
    ) -> Picture {
        precondition(
            (part.height, part.width) == (window.height, window.width),
            "\(window): a part of (\(part.height), \(part.width))")
        return resized(
            part, rows.moved(toStart: window.top - source.top), columns.moved(toStart: window.left - source.left),
            top: 0, left: 0, fill)
    }

    /// The same from the pixels of `window(filter)` alone.
    ///
    /// - Precondition: `part` has that window's size.
    public func picture(
        ofWindow part: Picture, filter: Resize.Filter, fill: (UInt8, UInt8, UInt8) = (0, 0, 0)
    ) -> Picture {
        let (rows, columns) = taps(filter)
        return resized(part, window(rows, columns), rows, columns, fill)
    }

    /// The part of the source that the result depends on.
    public func window(_ filter: Resize.Filter) -> Window {
        let (rows, columns) = taps(filter)
        return window(rows, columns)
    }

    private func window(_ rows: ResizeTaps, _ columns: ResizeTaps) -> Window {
        let (rows, columns) = (rows.sources, columns.sources)
        return Window(
            top: source.top + rows.lowerBound, left: source.left + columns.lowerBound, height: rows.count,
            width: columns.count)
    }

    private func taps(_ filter: Resize.Filter) -> (rows: ResizeTaps, columns: ResizeTaps) {
        let rows = ResizeTaps(
            from: source.height, to: resized.height, filter, positions: crop.top..<crop.top + crop.height)
        let columns = ResizeTaps(
            from: source.width, to: resized.width, filter, positions: crop.left..<crop.left + crop.width,
            isReversed: isMirrored)
        return (rows, columns)
    }

    private func resized(
        _ picture: Picture, _ rows: ResizeTaps, _ columns: ResizeTaps, top: Int, left: Int,
        _ fill: (UInt8, UInt8, UInt8)
    ) -> Picture {
        let stride = output.width * 3
        if (crop.height, crop.width) == (output.height, output.width) {
            let pixels = [UInt8](unsafeUninitializedCapacity: output.height * stride) { buffer, count in
                ResizeTaps.apply(
                    rows, columns, to: picture, top: top, left: left, output: buffer.baseAddress!, stride: stride)
                count = output.height * stride
            }
            return Picture(height: output.height, width: output.width, pixels: pixels)
        }
        var result = Picture(height: output.height, width: output.width, filledWith: fill)
        result.pixels.withUnsafeMutableBufferPointer {
            ResizeTaps.apply(rows, columns, to: picture, top: top, left: left, output: $0.baseAddress!, stride: stride)
        }
        return result
    }

    /// The result's labels, by the source pixel under each centre; padding has the label `fill`.
    public func labels(_ labels: LabelImage, fill: UInt16) -> LabelImage {
        var result = LabelImage(
            height: output.height, width: output.width,
            values: [UInt16](repeating: fill, count: output.pixelCount))
        forEachSample { to, y, x in result.values[to] = labels.values[y * labels.width + x] }
        return result
    }

    /// The result's bitmap mask, 0 in the padding.
    public func mask(_ mask: BinaryMask) -> BinaryMask {
        var pixels = [UInt8](repeating: 0, count: output.pixelCount)
        forEachSample { to, y, x in pixels[to] = mask.pixels[y * mask.size.width + x] }
        return BinaryMask(size: output, pixels: pixels)
    }

    /// Pairs each result pixel outside the padding with the source pixel under its centre.
    private func forEachSample(_ body: (_ target: Int, _ row: Int, _ column: Int) -> Void) {
        let rows = Resize.nearest(from: source.height, to: resized.height)
        let columns = Resize.nearest(from: source.width, to: resized.width)
        for y in 0..<crop.height {
            let row = source.top + rows[crop.top + y]
            for x in 0..<crop.width {
                let place = crop.left + (isMirrored ? crop.width - 1 - x : x)
                body(y * output.width + x, row, source.left + columns[place])
            }
        }
    }

    // MARK: coordinates

    /// `x' = scaleX * x + moveX`, `y' = scaleY * y + moveY`, from source to result.
    public var affine: (scaleX: Double, moveX: Double, scaleY: Double, moveY: Double) {
        let (sx, sy) = (
            Double(resized.width) / Double(source.width), Double(resized.height) / Double(source.height)
        )
        let (mx, my) = (-Double(source.left) * sx - Double(crop.left), -Double(source.top) * sy - Double(crop.top))
        return isMirrored ? (-sx, Double(crop.width) - mx, sy, my) : (sx, mx, sy, my)
    }

    /// The part of the result that is not padding.
    public var content: Box { Box(x0: 0, y0: 0, x1: Double(crop.width), y1: Double(crop.height)) }

    /// The box in the result, cut to its content; nil when nothing of positive area is left.
    public func box(_ box: Box) -> Box? {
        let a = affine
        let (u, v) = (a.scaleX * box.x0 + a.moveX, a.scaleX * box.x1 + a.moveX)
        let moved = Box(
            x0: min(u, v), y0: a.scaleY * box.y0 + a.moveY, x1: max(u, v), y1: a.scaleY * box.y1 + a.moveY)
        let cut = moved.intersection(content)
        return cut.width > 0 && cut.height > 0 ? cut : nil
    }

    /// The polygon in the result, not cut: rasterising cuts it.
    public func polygon(_ polygon: Polygon) -> Polygon {
        let a = affine
        return polygon.transformed(scaleX: a.scaleX, scaleY: a.scaleY, moveX: a.moveX, moveY: a.moveY)
    }

    /// A box of the result back in the source picture: where a prediction lies. Not cut.
    public func sourceBox(_ box: Box) -> Box {
        let a = affine
        let (u, v) = ((box.x0 - a.moveX) / a.scaleX, (box.x1 - a.moveX) / a.scaleX)
        return Box(
            x0: min(u, v), y0: (box.y0 - a.moveY) / a.scaleY, x1: max(u, v), y1: (box.y1 - a.moveY) / a.scaleY)
    }
}
