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
        switch self {
        case .rle(let mask):
            return mask
        case .polygons(let polygons):
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
            var parts: [RLEMask] = []
            for numbers in polygons {
                guard numbers.count >= 2 else {
                    throw DrawingError(expected: "polygons of three points and more", found: "\(numbers.count) numbers")
                }
                parts.append(RLEMask(polygon: numbers, size: size))
            }
            do { return try RLEMask.merged(parts) } catch {
                throw DrawingError(expected: "parts of one size", found: "\(error)")
            }
        }
    }
}
