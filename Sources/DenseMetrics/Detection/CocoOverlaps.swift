import CMetricKernels
import Geometry

/// Overlap of some detections with some truths; the buffers are used again from call to call.
struct CocoOverlaps {
    /// Detections x truths, row by row, of the last call.
    private(set) var values: [Double] = []
    /// Pairs of masks of different sizes, over all calls.
    private(set) var mismatches = 0
    /// Positions of two masks that cannot be walked together.
    private(set) var stuck: (detection: Int, truth: Int)?
    private let overlap: CocoOverlap
    /// `(2 sigma)²` of each keypoint.
    private let variances: [Double]
    private var similarities: [Double]

    init(_ settings: CocoSettings) {
        overlap = settings.overlap
        variances = settings.sigmas.map { ($0 * 2) * ($0 * 2) }
        similarities = [Double](repeating: 0, count: settings.sigmas.count)
    }

    /// - Parameters:
    ///   - points: the table's keypoints, for keypoints only.
    ///   - countsCrowds: false takes every truth for a single object.
    mutating func compute(
        _ shapes: CocoShapes, _ detections: Range<Int>, _ truths: Range<Int>, points: [Double] = [],
        countsCrowds: Bool = true
    ) {
        let size = detections.count * truths.count
        if values.count < size { values = [Double](repeating: 0, count: 2 * size) }
        guard size > 0 else { return }
        switch overlap {
        case .box: boxes(shapes, detections, truths, countsCrowds)
        case .mask, .boundary: masks(shapes, detections, truths, countsCrowds)
        case .keypoints: keypoints(shapes, detections, truths, points)
        }
    }

    private mutating func boxes(
        _ shapes: CocoShapes, _ detections: Range<Int>, _ truths: Range<Int>, _ countsCrowds: Bool
    ) {
        let single = countsCrowds ? [] : [UInt8](repeating: 0, count: truths.count)
        shapes.detectionBoxes.withUnsafeBufferPointer { detectionBoxes in
            shapes.truthBoxes.withUnsafeBufferPointer { truthBoxes in
                shapes.truthCrowd.withUnsafeBufferPointer { crowd in
                    single.withUnsafeBufferPointer { single in
                        dmt_box_overlap(
                            detectionBoxes.baseAddress! + 4 * detections.lowerBound, detections.count,
                            truthBoxes.baseAddress! + 4 * truths.lowerBound,
                            countsCrowds ? crowd.baseAddress! + truths.lowerBound : single.baseAddress!, truths.count,
                            &values)
                    }
                }
            }
        }
    }

    /// Only pairs whose boxes overlap are walked.
    private mutating func masks(
        _ shapes: CocoShapes, _ detections: Range<Int>, _ truths: Range<Int>, _ countsCrowds: Bool
    ) {
        boxes(shapes, detections, truths, countsCrowds)
        var index = -1
        for d in detections {
            for g in truths {
                index += 1
                guard values[index] > 0 else { continue }
                let isCrowd = countsCrowds && shapes.truthCrowd[g] != 0
                do {
                    var found = try shapes.detectionMasks[d].iou(truth: shapes.truthMasks[g], isCrowd: isCrowd)
                    if overlap == .boundary, !isCrowd, found > 0 {
                        found = min(found, try shapes.detectionBands[d].iou(truth: shapes.truthBands[g]))
                    }
                    values[index] = found
                } catch .sizesDiffer {
                    values[index] = -1
                    mismatches += 1
                } catch {
                    stuck = (d, g)
                    return
                }
            }
        }
    }

    private mutating func keypoints(
        _ shapes: CocoShapes, _ detections: Range<Int>, _ truths: Range<Int>, _ points: [Double]
    ) {
        let k = variances.count
        var index = 0
        points.withUnsafeBufferPointer { points in
            shapes.truthPoints.withUnsafeBufferPointer { truthPoints in
                shapes.truthBoxes.withUnsafeBufferPointer { boxes in
                    for d in detections {
                        for g in truths {
                            values[index] = dmt_keypoint_similarity(
                                points.baseAddress! + shapes.detectionPointStarts[d],
                                truthPoints.baseAddress! + 3 * k * g, variances, k, shapes.truthArea[g],
                                boxes.baseAddress! + 4 * g, &similarities)
                            index += 1
                        }
                    }
                }
            }
        }
    }
}
