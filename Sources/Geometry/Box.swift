/// A rectangle in continuous picture coordinates, corners `(x0, y0)` and `(x1, y1)`.
///
/// Pixel (0, 0) covers [0, 1) x [0, 1); width is `x1 - x0`, without an added one.
public struct Box: Sendable, Hashable {
    public var x0, y0, x1, y1: Double

    public init(x0: Double, y0: Double, x1: Double, y1: Double) {
        self.x0 = x0
        self.y0 = y0
        self.x1 = x1
        self.y1 = y1
    }

    /// COCO's order: left, top, width, height.
    public init(cocoXYWH x: Double, _ y: Double, _ width: Double, _ height: Double) {
        self.init(x0: x, y0: y, x1: x + width, y1: y + height)
    }

    public init(_ box: CocoBox) { self.init(cocoXYWH: box.x, box.y, box.width, box.height) }

    public var width: Double { x1 - x0 }
    public var height: Double { y1 - y0 }
    /// Square pixels; zero for a box turned inside out.
    public var area: Double { max(width, 0) * max(height, 0) }
    public var center: (x: Double, y: Double) { ((x0 + x1) / 2, (y0 + y1) / 2) }
    /// Corners in COCO's order. Subtraction rounds: keep a `CocoBox` where the file's own digits count.
    public var cocoBox: CocoBox { CocoBox(x: x0, y: y0, width: width, height: height) }

    public func intersection(_ other: Box) -> Box {
        Box(x0: max(x0, other.x0), y0: max(y0, other.y0), x1: min(x1, other.x1), y1: min(y1, other.y1))
    }

    /// Intersection over union; 0 where the union is empty.
    public func iou(_ other: Box) -> Double {
        let shared = intersection(other).area
        let union = area + other.area - shared
        return union > 0 ? shared / union : 0
    }

    /// The part inside a picture of `size`.
    public func clipped(to size: ImageSize) -> Box {
        intersection(Box(x0: 0, y0: 0, x1: Double(size.width), y1: Double(size.height)))
    }

    public func scaled(x: Double, y: Double) -> Box { Box(x0: x0 * x, y0: y0 * y, x1: x1 * x, y1: y1 * y) }

    public func translated(x: Double, y: Double) -> Box { Box(x0: x0 + x, y0: y0 + y, x1: x1 + x, y1: y1 + y) }

    /// Mirrored left to right in a picture of `width` pixels.
    public func flipped(width: Int) -> Box { Box(x0: Double(width) - x1, y0: y0, x1: Double(width) - x0, y1: y1) }
}

/// A box with the four numbers of a COCO file: left, top, width, height.
///
/// Kept apart from `Box` because COCO's arithmetic (area is width times height) must see the file's digits.
public struct CocoBox: Sendable, Hashable {
    public var x, y, width, height: Double

    public init(x: Double, y: Double, width: Double, height: Double) {
        self.x = x
        self.y = y
        self.width = width
        self.height = height
    }

    public var area: Double { width * height }
}

/// A picture's extent. The order is always (height, width).
public struct ImageSize: Sendable, Hashable, CustomStringConvertible {
    public var height, width: Int

    public init(height: Int, width: Int) {
        self.height = height
        self.width = width
    }

    public var pixelCount: Int { height * width }

    /// The least size of whole multiples of `divisor` that holds this one.
    public func roundedUp(toMultiplesOf divisor: Int) -> ImageSize {
        func rounded(_ side: Int) -> Int { (side + divisor - 1) / divisor * divisor }
        return ImageSize(height: rounded(height), width: rounded(width))
    }

    /// Width of the band along outlines that Boundary IoU compares: a share of the diagonal, rounded half to even, at
    /// least 1 pixel.
    ///
    /// - Source: Cheng et al. 2021, arXiv:2103.16562, `mask_to_boundary` of boundary-iou-api.
    public func boundaryDistance(ratio: Double = 0.02) -> Int {
        let (h, w) = (Double(height), Double(width))
        return max(1, Int((ratio * (h * h + w * w).squareRoot()).rounded(.toNearestOrEven)))
    }

    public var description: String { "\(height)x\(width)" }
}
