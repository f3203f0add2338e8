import CMetricKernels
import Determinism

/// Precision and recall of every class, area range and detection limit.
public struct CocoCurves: Sendable {
    public let settings: CocoSettings
    public let categoryIDs: [Int64]
    public let classCount: Int
    /// LVIS's letter of each class (`r`, `c`, `f`); empty elsewhere.
    public let frequencies: [String]
    /// `[area][limit][iou threshold][recall threshold][class]`; -1 where a class has no truth that counts.
    public let precision: [Double]
    /// The score at which that precision is reached, in the same order.
    public let scores: [Double]
    /// `[area][limit][iou threshold][class]`; -1 where a class has no truth that counts.
    public let recall: [Double]
    public let warnings: [CocoWarning]

    var thresholdCount: Int { settings.iouThresholds.count }
    var recallCount: Int { settings.recallThresholds.count }

    /// First index of one area range and limit in `precision`.
    func precisionBase(area: Int, limit: Int) -> Int {
        (area * settings.maxDetections.count + limit) * thresholdCount * recallCount * classCount
    }

    /// Precision and its score over the recall thresholds, one row a threshold of overlap, over all areas at the largest
    /// limit; nil where the class has no truth that counts.
    public func curve(classIndex: Int) -> (precision: [[Double]], scores: [[Double]])? {
        guard let area = settings.areaRanges.firstIndex(where: { $0.name == "all" }) else { return nil }
        let base = precisionBase(area: area, limit: settings.maxDetections.count - 1) + classIndex
        if precision.isEmpty || precision[base] < 0 { return nil }
        func rows(_ values: [Double]) -> [[Double]] {
            (0..<thresholdCount).map { t in
                (0..<recallCount).map { r in values[base + (t * recallCount + r) * classCount] }
            }
        }
        return (rows(precision), rows(scores))
    }

    /// First index of one area range and limit in `recall`.
    func recallBase(area: Int, limit: Int) -> Int {
        (area * settings.maxDetections.count + limit) * thresholdCount * classCount
    }
}

extension CocoEvaluation {
    /// Joins the images of each class into precision and recall curves.
    public static func accumulate(_ matches: CocoMatches) -> CocoCurves {
        let settings = matches.settings
        let (areas, limits) = (settings.areaRanges.count, settings.maxDetections.count)
        let cellCount = settings.iouThresholds.count * matches.classCount * areas * limits
        var precision = [Double](repeating: -1, count: cellCount * settings.recallThresholds.count)
        var scores = precision
        var recall = [Double](repeating: -1, count: cellCount)
        precision.withUnsafeMutableBufferPointer { precision in
            scores.withUnsafeMutableBufferPointer { scores in
                recall.withUnsafeMutableBufferPointer { recall in
                    nonisolated(unsafe) let (precision, scores, recall) = (precision, scores, recall)
                    Parallel.forEach(matches.classCount) { classIndex in
                        accumulate(matches, classIndex, precision, scores, recall)
                    }
                }
            }
        }
        return CocoCurves(
            settings: settings, categoryIDs: matches.categoryIDs, classCount: matches.classCount,
            frequencies: matches.frequencies, precision: precision,
            scores: scores, recall: recall, warnings: matches.warnings)
    }

    private static func accumulate(
        _ matches: CocoMatches, _ classIndex: Int, _ precision: UnsafeMutableBufferPointer<Double>,
        _ scores: UnsafeMutableBufferPointer<Double>,
        _ recall: UnsafeMutableBufferPointer<Double>
    ) {
        let settings = matches.settings
        let range = matches.classDetections[classIndex]
        let truthCells = matches.classTruthCells[classIndex]
        let (thresholds, recalls) = (settings.iouThresholds.count, settings.recallThresholds.count)
        let (areas, limits) = (settings.areaRanges.count, settings.maxDetections.count)
        var order = [UInt32](repeating: 0, count: range.count)
        var scratch = order
        var levels = [UInt8](repeating: 0, count: range.count)
        var room = dmt_accumulation_scratch()
        guard dmt_accumulation_scratch_init(&room, range.count, limits) != 0 else {
            fatalError("out of memory accumulating \(range.count) detections")
        }
        defer { dmt_accumulation_scratch_free(&room) }
        if !range.isEmpty {
            matches.scores.withUnsafeBufferPointer {
                dmt_order_scores($0.baseAddress! + range.lowerBound, range.count, &order, &scratch)
            }
            dmt_limit_levels(
                order, matches.ranks(classIndex), range.count, settings.maxDetections.map { UInt32(clamping: $0) },
                limits, &levels)
        }
        let classCount = matches.classCount
        var strides = dmt_curve_strides(
            cell: classCount, precision_limit: thresholds * recalls * classCount, recall_limit: thresholds * classCount)
        for area in 0..<areas {
            let cellCount = matches.truthImages.count
            let truths = truthCells.reduce(0) { $0 + Int(matches.truthCounts[area * cellCount + $1]) }
            if truths == 0 { continue }
            let cell = area * limits * thresholds * classCount
            matches.scores.withUnsafeBufferPointer { scoreValues in
                matches.matched.withUnsafeBufferPointer { matched in
                    matches.ignored.withUnsafeBufferPointer { ignored in
                        order.withUnsafeBufferPointer { order in
                            levels.withUnsafeBufferPointer { levels in
                                let base = area * scoreValues.count + range.lowerBound
                                var entry = dmt_class_detections(
                                    count: range.count, order: order.baseAddress, level: levels.baseAddress,
                                    score: scoreValues.baseAddress.map { $0 + range.lowerBound },
                                    matched: matched.baseAddress.map { $0 + base },
                                    ignored: ignored.baseAddress.map { $0 + base })
                                dmt_accumulate(
                                    &entry, limits, Double(truths), thresholds, settings.recallThresholds, recalls,
                                    &strides, precision.baseAddress! + cell * recalls + classIndex,
                                    scores.baseAddress! + cell * recalls + classIndex,
                                    recall.baseAddress! + cell + classIndex, &room)
                            }
                        }
                    }
                }
            }
        }
    }
}
