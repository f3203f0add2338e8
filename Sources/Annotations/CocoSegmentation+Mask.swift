import Geometry

extension CocoSegmentation {
    /// Why a segmentation cannot be drawn.
    public struct DrawingError: Error, Equatable, Sendable {
        public var expected: String
        public var found: String
    }

    /// The mask in a picture of `size`, as pycocotools' `annToRLE` draws it.
    ///
    /// Run lengths keep their own size. Several parts are joined.
    ///
    /// - Throws: `DrawingError` where pycocotools raises (no parts, a first part below three points) and for
    ///   coordinates past `Polygon.coordinateLimit`.
    public func mask(size: ImageSize) throws(DrawingError) -> RLEMask {
        try check(size: size)
        switch self {
        case .rle(let mask):
            return mask
        case .polygons(let polygons):
            do { return try RLEMask.merged(polygons.map { RLEMask(polygon: $0, size: size) }) } catch {
                throw DrawingError(expected: "parts of one size", found: "\(error)")
            }
        }
    }

    /// Whether `mask` can draw this.
    ///
    /// - Throws: what `mask` throws.
    private func check(size: ImageSize) throws(DrawingError) {
        guard case .polygons(let polygons) = self else { return }
        guard let first = polygons.first else {
            throw DrawingError(expected: "at least one polygon", found: "an empty list")
        }
        _ = try CocoSegmentation.checkedBounds(of: first, size: size)
        for numbers in polygons.dropFirst() {
            _ = try CocoSegmentation.checkedBounds(of: numbers, size: size, leastNumbers: 2)
        }
    }

    /// The box around a part's points.
    ///
    /// - Throws: `DrawingError` where it cannot be drawn. Quirk(COCO): only the first part needs three points.
    public static func checkedBounds(
        of numbers: [Double], size: ImageSize, leastNumbers: Int = 5
    ) throws(DrawingError) -> Box {
        guard size.pixelCount > 0 else {
            throw DrawingError(expected: "an image with height and width", found: "\(size)")
        }
        guard numbers.count >= leastNumbers else {
            throw DrawingError(expected: "polygons of three points and more", found: "\(numbers.count) numbers")
        }
        let bounds = Polygon.bounds(numbers)
        for far in [bounds.x0, bounds.y0, bounds.x1, bounds.y1] where far.magnitude > Polygon.coordinateLimit {
            throw DrawingError(expected: "coordinates up to \(Polygon.coordinateLimit) pixels", found: "\(far)")
        }
        return bounds
    }
}
