import Annotations
import Geometry

/// The masks of one cell, drawn when it is compared.
struct CocoMaskCell {
    private(set) var detections = MaskRoom()
    private(set) var truths = MaskRoom()
    private var detectionBands = MaskRoom()
    private var truthBands = MaskRoom()
    private let outline = Outline()
    /// Results whose runs do not sum to the picture, over all cells.
    private(set) var unfilled = CocoPlaces()

    mutating func drawDetections(_ shapes: CocoShapes, _ range: Range<Int>) throws(CocoInputError) {
        detections.removeAll()
        for (place, index) in range.enumerated() {
            let position = shapes.detections[index]
            let size = shapes.sizes[shapes.results.imageIDs[Int(position)]] ?? ImageSize(height: 0, width: 0)
            try draw(shapes.results, Int(position), size)
            if !detections.isComplete(place) { unfilled.add(result: position) }
        }
    }

    private mutating func draw(_ results: DetectionTable, _ index: Int, _ size: ImageSize) throws(CocoInputError) {
        if results.parts[index].contains(.segmentation), !results.segmentations.isEmpty {
            do throws(CocoSegmentation.DrawingError) {
                try results.segmentations.draw(index, size: size, into: &detections)
            } catch { throw CocoShapes.refusal(index, error.expected, error.found) }
            return
        }
        // Quirk(COCO): a box without a mask is drawn as a rectangle.
        guard size.pixelCount > 0 else {
            throw CocoShapes.refusal(index, "an image with height and width", "\(size)")
        }
        let box = results.box(index)!
        let limit = Polygon.coordinateLimit
        guard [box.x, box.y, box.x + box.width, box.y + box.height].allSatisfy({ $0.magnitude <= limit }) else {
            throw CocoShapes.refusal(
                index, "a \"bbox\" within \(limit) pixels", "\([box.x, box.y, box.width, box.height])")
        }
        detections.append(RLEMask(box: box, size: size))
    }

    /// - Parameter onlyChecks: whether masks can be drawn is all that is wanted.
    mutating func drawTruths(
        _ shapes: CocoShapes, _ range: Range<Int>, onlyChecks: Bool = false
    ) throws(CocoInputError) {
        truths.removeAll()
        let part = ", \"segmentation\""
        for index in range {
            let position = shapes.truths[index]
            let size = shapes.sizes[shapes.truth.annotations[Int(position)].imageID] ?? ImageSize(height: 0, width: 0)
            guard let segmentation = shapes.truth.annotations[Int(position)].segmentation else {
                throw shapes.refusal(annotation: position, part: part, "a segmentation")
            }
            do throws(CocoSegmentation.DrawingError) {
                if case .polygons(let polygons) = segmentation, polygons.count == 1 {
                    try segmentation.check(size: size)
                    if !onlyChecks { outline.withRuns(polygons[0], size) { truths.append(runs: $0, size: size) } }
                } else if onlyChecks {
                    try segmentation.check(size: size)
                } else {
                    truths.append(try segmentation.mask(size: size))
                }
            } catch {
                throw shapes.refusal(annotation: position, part: part, error.expected, error.found)
            }
        }
    }

    /// Draws the bands along the outlines too, for Boundary IoU.
    mutating func drawBands(ratio: Double) {
        detectionBands.removeAll()
        truthBands.removeAll()
        for index in 0..<detections.count { detectionBands.append(detections.mask(index).boundary(ratio: ratio)) }
        for index in 0..<truths.count { truthBands.append(truths.mask(index).boundary(ratio: ratio)) }
    }

    func iou(_ detection: Int, _ truth: Int, isCrowd: Bool) throws(RLEMask.OverlapError) -> Double {
        try detections.iou(detection, truth: truths, truth, isCrowd: isCrowd)
    }

    func bandIoU(_ detection: Int, _ truth: Int) throws(RLEMask.OverlapError) -> Double {
        try detectionBands.iou(detection, truth: truthBands, truth)
    }
}
