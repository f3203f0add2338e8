import Annotations
import CMetricKernels
import Geometry

/// Areas of some detections and their overlap with some truths; the memory is used again from call to call.
struct CocoOverlaps {
    /// Detections x truths, row by row, of the last call.
    private(set) var values: [Double] = []
    /// Of all that were prepared; those of the last call begin at `offset`.
    private(set) var areas: [Double] = []
    private(set) var offset = 0
    private var prepared = 0..<0
    /// Pairs of masks of different sizes, over all calls.
    private(set) var mismatches = CocoPlaces()
    private var masks = CocoMaskCell()
    private var detectionBoxes: [Double] = []
    private var truthBoxes: [Double] = []
    private let overlap: CocoOverlap
    /// `(2 sigma)²` of each keypoint.
    private let variances: [Double]
    private var similarities: [Double]
    /// Similarities of keypoints below it need not be exact.
    private let lowest: Double

    init(_ settings: CocoSettings) {
        overlap = settings.overlap
        variances = settings.sigmas.map { ($0 * 2) * ($0 * 2) }
        similarities = [Double](repeating: 0, count: settings.sigmas.count)
        lowest = min(settings.iouThresholds.min() ?? 0, 1 - 1e-10)
    }

    /// Results whose runs do not sum to their picture, over all calls.
    var unfilled: CocoPlaces { masks.unfilled }

    /// Reads boxes and areas of many detections ahead of `compute`, which is faster than a few at a time.
    mutating func prepare(_ shapes: CocoShapes, _ detections: Range<Int>) {
        prepared = detections
        let needed = detections.count
        if areas.count < needed {
            areas = [Double](repeating: 0, count: 2 * needed)
            detectionBoxes = [Double](repeating: 0, count: 8 * needed)
        }
        guard needed > 0 else { return }
        let results = shapes.results
        shapes.detections.withUnsafeBufferPointer { positions in
            let first = positions.baseAddress! + detections.lowerBound
            switch shapes.kind {
            case .box: dmt_gather_boxes(results.boxes, first, needed, &detectionBoxes, &areas)
            case .keypoints:
                dmt_pose_boxes(results.keypoints, results.keypointStarts, first, needed, &detectionBoxes, &areas)
            case .mask, nil: break
            }
        }
    }

    /// - Parameter compares: false finds areas only.
    /// - Throws: `CocoInputError` for masks that cannot be drawn or compared.
    mutating func compute(
        _ shapes: CocoShapes, _ detections: Range<Int>, _ truths: Range<Int>, compares: Bool = true
    ) throws(CocoInputError) {
        let size = detections.count * truths.count
        if values.count < size { values = [Double](repeating: 0, count: 2 * size) }
        if detections.lowerBound < prepared.lowerBound || detections.upperBound > prepared.upperBound {
            prepare(shapes, detections)
        }
        offset = detections.lowerBound - prepared.lowerBound
        if overlap.comparesMasks || shapes.kind == .mask {
            try masks.drawDetections(shapes, detections, needsBoxes: !truths.isEmpty)
            measureMasks(shapes, detections)
            if overlap.comparesMasks { try masks.drawTruths(shapes, truths) }
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

    /// Boxes of masks, and their areas where nothing else stands for them.
    private mutating func measureMasks(_ shapes: CocoShapes, _ detections: Range<Int>) {
        if shapes.kind == .mask {
            for place in 0..<detections.count { areas[offset + place] = Double(masks.detections.area(place)) }
        }
        for (place, drawn) in masks.detectionBoxes.enumerated() {
            let own = overlap == .box ? shapes.results.box(Int(shapes.detections[detections.lowerBound + place])) : nil
            let box = own ?? drawn
            detectionBoxes[4 * (offset + place)] = box.x
            detectionBoxes[4 * (offset + place) + 1] = box.y
            detectionBoxes[4 * (offset + place) + 2] = box.width
            detectionBoxes[4 * (offset + place) + 3] = box.height
        }
    }

    private mutating func boxes(
        _ shapes: CocoShapes, _ count: Int, _ truthBoxes: UnsafePointer<Double>, _ truths: Range<Int>
    ) {
        shapes.truthCrowd.withUnsafeBufferPointer { crowd in
            detectionBoxes.withUnsafeBufferPointer { boxes in
                dmt_box_overlap(
                    boxes.baseAddress! + 4 * offset, count, truthBoxes, crowd.baseAddress! + truths.lowerBound,
                    truths.count, &values)
            }
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
                                shapes.truthArea[g], boxes.baseAddress! + 4 * g, lowest, &similarities)
                            index += 1
                        }
                    }
                }
            }
        }
    }
}
