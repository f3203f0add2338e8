import CMetricKernels

/// Draws polygons one after the other in memory that is used again.
public final class Outline {
    private let outline: OpaquePointer

    public init() {
        guard let outline = dmt_outline_new() else { fatalError("out of memory for an outline") }
        self.outline = outline
    }

    deinit { dmt_outline_free(outline) }

    /// Lends `body` the run lengths of a polygon of pairs x, y as COCO draws it (an odd last number is ignored).
    ///
    /// - Precondition: at least one pair; coordinates below `Polygon.coordinateLimit`, or the outline takes for ever.
    public func withRuns<Result>(
        _ polygon: [Double], _ size: ImageSize, _ body: (UnsafeBufferPointer<UInt32>) -> Result
    ) -> Result {
        precondition(polygon.count >= 2, "polygon of \(polygon.count) numbers: at least 2")
        var runs: UnsafePointer<UInt32>?
        let count = dmt_rle_from_polygon(outline, polygon, polygon.count / 2, size.height, size.width, &runs)
        guard let runs else { fatalError("out of memory drawing a polygon") }
        return body(UnsafeBufferPointer(start: runs, count: count))
    }
}
