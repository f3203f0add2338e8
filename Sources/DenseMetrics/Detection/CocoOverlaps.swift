import Annotations
import CMetricKernels
import Geometry

/// Areas of some detections and their overlap with some truths; the memory is used again from call to call.
struct CocoOverlaps {
    /// Detections x truths, row by row, of the last call.
    private(set) var values: [Double] = []
    /// Of the detections of the last call.
    private(set) var areas: [Double] = []
    /// Pairs of masks of different sizes, over all calls.
    private(set) var mismatches = CocoPlaces()
    private var masks = CocoMaskCell()
    private var detectionBoxes: [Double] = []
    private var truthBoxes: [Double] = []
    private let overlap: CocoOverlap
    /// `(2 sigma)²` of each keypoint.
    private let variances: [Double]
    private var similarities: [Double]

    init(_ settings: CocoSettings) {
        overlap = settings.overlap
        variances = settings.sigmas.map { ($0 * 2) * ($0 * 2) }
        similarities = [Double](repeating: 0, count: settings.sigmas.count)
    }

    /// Results whose runs do not sum to their picture, over all calls.
    var unfilled: CocoPlaces { masks.unfilled }

    /// - Parameter compares: false finds areas only.
    /// - Throws: `CocoInputError` for masks that cannot be drawn or compared.
    mutating func compute(
        _ shapes: CocoShapes, _ detections: Range<Int>, _ truths: Range<Int>, compares: Bool = true
    ) throws(CocoInputError) {
        let size = detections.count * truths.count
        if values.count < size { values = [Double](repeating: 0, count: 2 * size) }
        if areas.count < detections.count { areas = [Double](repeating: 0, count: 2 * detections.count) }
        let comparesMasks = overlap.comparesMasks
        if comparesMasks { try masks.drawTruths(shapes, truths, onlyChecks: detections.isEmpty) }
        if !detections.isEmpty {
            if comparesMasks || shapes.kind == .mask { try masks.drawDetections(shapes, detections) }
            measure(shapes, detections)
        }
        guard size > 0, compares else { return }
        switch overlap {
        case .box:
            shapes.truthBoxes.withUnsafeBufferPointer {
                boxes(shapes, detections.count, $0.baseAddress! + 4 * truths.lowerBound, truths)
            }
        case .mask, .boundary: try compareMasks(shapes, detections, truths)
        case .keypoints: keypoints(shapes, detections, truths)
        }
    }

    /// Areas, and for masks and boxes the boxes, of detections.
    private mutating func measure(_ shapes: CocoShapes, _ detections: Range<Int>) {
        let results = shapes.results
        let needed = 4 * detections.count
        if detectionBoxes.count < needed { detectionBoxes = [Double](repeating: 0, count: 2 * needed) }
        for (place, index) in detections.enumerated() {
            let position = Int(shapes.detections[index])
            var box = CocoBox.none
            switch shapes.kind {
            case .box, nil:
                box = results.box(position) ?? .none
                areas[place] = box.width * box.height
            case .mask:
                areas[place] = Double(masks.detections.area(place))
                if overlap == .box { box = results.box(position) ?? masks.detections.cocoBox(place) }
            case .keypoints:
                box = CocoBox(around: results.keypoints[results.keypointRange(position)!])
                areas[place] = box.width * box.height
            }
            if overlap.comparesMasks { box = masks.detections.cocoBox(place) }
            detectionBoxes[4 * place] = box.x
            detectionBoxes[4 * place + 1] = box.y
            detectionBoxes[4 * place + 2] = box.width
            detectionBoxes[4 * place + 3] = box.height
        }
    }

    private mutating func boxes(
        _ shapes: CocoShapes, _ count: Int, _ truthBoxes: UnsafePointer<Double>, _ truths: Range<Int>
    ) {
        shapes.truthCrowd.withUnsafeBufferPointer { crowd in
            dmt_box_overlap(
                detectionBoxes, count, truthBoxes, crowd.baseAddress! + truths.lowerBound, truths.count, &values)
        }
    }

    /// Only pairs whose boxes overlap are compared.
    private mutating func compareMasks(
        _ shapes: CocoShapes, _ detections: Range<Int>, _ truths: Range<Int>
    ) throws(CocoInputError) {
        truthBoxes.removeAll(keepingCapacity: true)
        for place in 0..<truths.count {
            let box = masks.truths.cocoBox(place)
            truthBoxes += [box.x, box.y, box.width, box.height]
        }
        boxes(shapes, detections.count, truthBoxes, truths)
        if overlap == .boundary { masks.drawBands(ratio: shapes.settings.boundaryRatio) }
        var index = -1
        for d in 0..<detections.count {
            for g in 0..<truths.count {
                index += 1
                guard values[index] > 0 else { continue }
                let isCrowd = shapes.truthCrowd[truths.lowerBound + g] != 0
                let result = shapes.detections[detections.lowerBound + d]
                let annotation = shapes.truths[truths.lowerBound + g]
                do {
                    var found = try masks.iou(d, g, isCrowd: isCrowd)
                    if overlap == .boundary, !isCrowd, found > 0 { found = min(found, try masks.bandIoU(d, g)) }
                    values[index] = found
                } catch .sizesDiffer {
                    values[index] = -1
                    mismatches.add(result: result, annotation: annotation)
                } catch {
                    throw CocoInputError(
                        .results, record: "[\(result)], \"segmentation\"",
                        expected: "run lengths that sum to those of the truth it overlaps (annotation id "
                            + "\(shapes.truth.annotations[Int(annotation)].id))", found: "another total",
                        remedy: "encode the mask again for an image of \(masks.truths.size(g)) pixels (height x width)")
                }
            }
        }
    }

    private mutating func keypoints(_ shapes: CocoShapes, _ detections: Range<Int>, _ truths: Range<Int>) {
        let k = variances.count
        var index = 0
        shapes.results.keypoints.withUnsafeBufferPointer { points in
            shapes.truthPoints.withUnsafeBufferPointer { truthPoints in
                shapes.truthBoxes.withUnsafeBufferPointer { boxes in
                    for d in detections {
                        let start = shapes.results.keypointStarts[Int(shapes.detections[d])]
                        for g in truths {
                            values[index] = dmt_keypoint_similarity(
                                points.baseAddress! + start, truthPoints.baseAddress! + 3 * k * g, variances, k,
                                shapes.truthArea[g], boxes.baseAddress! + 4 * g, &similarities)
                            index += 1
                        }
                    }
                }
            }
        }
    }
}

extension CocoBox {
    fileprivate static let none = CocoBox(x: 0, y: 0, width: 0, height: 0)

    /// The box around all points of a pose. Quirk(COCO): visible or not.
    fileprivate init(around points: ArraySlice<Double>) {
        guard points.count >= 3 else {
            self = .none
            return
        }
        let start = points.startIndex
        var (x0, x1, y0, y1) = (points[start], points[start], points[start + 1], points[start + 1])
        for i in stride(from: start + 3, to: points.endIndex, by: 3) {
            x0 = min(x0, points[i])
            x1 = max(x1, points[i])
            y0 = min(y0, points[i + 1])
            y1 = max(y1, points[i + 1])
        }
        self.init(x: x0, y: y0, width: x1 - x0, height: y1 - y0)
    }
}
