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
    public func check(size: ImageSize) throws(DrawingError) {
        guard case .polygons(let polygons) = self else { return }
        guard let first = polygons.first else {
            throw DrawingError(expected: "at least one polygon", found: "an empty list")
        }
        guard size.pixelCount > 0 else {
            throw DrawingError(expected: "an image with height and width", found: "\(size)")
        }
        for numbers in polygons {
            if let far = numbers.first(where: { $0.magnitude > Polygon.coordinateLimit }) {
                throw DrawingError(
                    expected: "coordinates up to \(Polygon.coordinateLimit) pixels", found: "\(far)")
            }
        }
        guard first.count > 4 else {
            throw DrawingError(expected: "polygons of three points and more", found: "\(first.count) numbers")
        }
        for numbers in polygons where numbers.count < 2 {
            throw DrawingError(expected: "polygons of three points and more", found: "\(numbers.count) numbers")
        }
    }
}
