import Annotations
import Geometry

/// The masks of one cell, drawn when it is compared.
struct CocoMaskCell {
    private(set) var detections = MaskRoom()
    private(set) var truths = MaskRoom()
    /// Of the foreground of each detection.
    private(set) var detectionBoxes: [CocoBox] = []
    private var detectionBands = MaskRoom()
    private var truthBands = MaskRoom()
    private let outline = Outline()
    /// Results whose runs do not sum to the picture, over all cells.
    private(set) var unfilled = CocoPlaces()

    /// - Parameter needsBoxes: false leaves `detectionBoxes` empty.
    mutating func drawDetections(
        _ shapes: CocoShapes, _ range: Range<Int>, needsBoxes: Bool
    ) throws(CocoInputError) {
        detections.removeAll()
        detectionBoxes.removeAll(keepingCapacity: true)
        var image = PictureSize()
        for (place, index) in range.enumerated() {
            let position = shapes.detections[index]
            try draw(shapes.results, Int(position), image.size(of: shapes.results.imageIDs[Int(position)], shapes))
            if !detections.isComplete(place) { unfilled.add(result: position) }
            if needsBoxes { detectionBoxes.append(detections.cocoBox(place)) }
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

    /// Draws truths, with the detections drawn already. A polygon out of every detection's reach is left empty: it
    /// overlaps nothing.
    mutating func drawTruths(_ shapes: CocoShapes, _ range: Range<Int>) throws(CocoInputError) {
        truths.removeAll()
        var image = PictureSize()
        for index in range {
            let position = shapes.truths[index]
            let size = image.size(of: shapes.truth.annotations[Int(position)].imageID, shapes)
            let part = ", \"segmentation\""
            guard let segmentation = shapes.truth.annotations[Int(position)].segmentation else {
                throw shapes.refusal(annotation: position, part: part, "a segmentation")
            }
            do throws(CocoSegmentation.DrawingError) {
                switch segmentation {
                case .polygons(let polygons):
                    if polygons.count == 1 {
                        let bounds = try CocoSegmentation.checkedBounds(of: polygons[0], size: size)
                        if isInReach(bounds) {
                            outline.withRuns(polygons[0], size) { truths.append(runs: $0, size: size) }
                        } else {
                            truths.append(RLEMask(size: size, runs: []))
                        }
                    } else {
                        truths.append(try segmentation.mask(size: size))
                    }
                case .rle(let mask): truths.append(mask)
                }
            } catch {
                throw shapes.refusal(annotation: position, part: part, error.expected, error.found)
            }
        }
    }

    /// Whether a detection's mask may overlap what is drawn inside `bounds`, whose border is drawn to whole pixels.
    private func isInReach(_ bounds: Box) -> Bool {
        let reach = Box(x0: bounds.x0 - 2, y0: bounds.y0 - 2, x1: bounds.x1 + 2, y1: bounds.y1 + 2)
        return detectionBoxes.contains { box in
            box.x < reach.x1 && box.x + box.width > reach.x0 && box.y < reach.y1 && box.y + box.height > reach.y0
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

/// The size of the picture that was asked for last: records of a cell share one.
private struct PictureSize {
    private var last: (id: Int64, size: ImageSize)?

    mutating func size(of id: Int64, _ shapes: CocoShapes) -> ImageSize {
        if let last, last.id == id { return last.size }
        let size = shapes.sizes[id] ?? ImageSize(height: 0, width: 0)
        last = (id, size)
        return size
    }
}
