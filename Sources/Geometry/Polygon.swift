import CMetricKernels

/// A closed outline: pairs x, y in continuous picture coordinates, flat as in COCO files.
public struct Polygon: Sendable, Hashable {
    /// Largest coordinate that is rasterised, in pixels.
    public static let coordinateLimit = 1e6

    public var coordinates: [Double]

    public init(_ coordinates: [Double]) { self.coordinates = coordinates }

    public var pointCount: Int { coordinates.count / 2 }

    /// Square pixels inside, by the shoelace formula.
    public var area: Double {
        var twice = 0.0
        for i in 0..<pointCount {
            let j = (i + 1) % pointCount
            twice += coordinates[2 * i] * coordinates[2 * j + 1] - coordinates[2 * j] * coordinates[2 * i + 1]
        }
        return abs(twice) / 2
    }

    /// The box around all points of pairs x, y (an odd last number is ignored).
    ///
    /// - Precondition: at least one pair.
    public static func bounds(_ coordinates: [Double]) -> Box {
        precondition(coordinates.count >= 2, "polygon of \(coordinates.count) numbers: at least 2")
        var bounds = (0.0, 0.0, 0.0, 0.0)
        withUnsafeMutableBytes(of: &bounds) {
            dmt_polygon_bounds(coordinates, coordinates.count / 2, $0.bindMemory(to: Double.self).baseAddress)
        }
        return Box(x0: bounds.0, y0: bounds.1, x1: bounds.2, y1: bounds.3)
    }

    /// `(x, y)` to `(x * scaleX + moveX, y * scaleY + moveY)`.
    public func transformed(scaleX: Double = 1, scaleY: Double = 1, moveX: Double = 0, moveY: Double = 0) -> Polygon {
        var result = self
        for i in 0..<pointCount {
            result.coordinates[2 * i] = coordinates[2 * i] * scaleX + moveX
            result.coordinates[2 * i + 1] = coordinates[2 * i + 1] * scaleY + moveY
        }
        return result
    }

    /// Mirrored left to right in a picture of `width` pixels.
    public func flipped(width: Int) -> Polygon { transformed(scaleX: -1, moveX: Double(width)) }

    /// Polygons drawn together on one picture.
    ///
    /// - Precondition: at least one polygon, each of at least one point within `coordinateLimit`.
    public static func mask(_ polygons: [Polygon], size: ImageSize) -> RLEMask {
        let parts = polygons.map { RLEMask(polygon: $0.coordinates, size: size) }
        // Outlines drawn on one picture always sum to its pixels.
        return try! RLEMask.merged(parts)
    }

    /// The polygons inside `box`, drawn on a grid of `grid` cells: the target of a mask head
    /// (detectron2's `rasterize_polygons_within_box`).
    public static func mask(_ polygons: [Polygon], within box: Box, grid: ImageSize) -> BinaryMask {
        let scaleX = Double(grid.width) / max(box.width, 0.1)
        let scaleY = Double(grid.height) / max(box.height, 0.1)
        let moved = polygons.map {
            $0.transformed(scaleX: scaleX, scaleY: scaleY, moveX: -box.x0 * scaleX, moveY: -box.y0 * scaleY)
        }
        return mask(moved, size: grid).bitmap
    }
}
