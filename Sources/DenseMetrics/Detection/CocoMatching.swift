// Goals, in order: equal to pycocotools 2.0.11 to the last bit; an error instead of its endless loops; the same bytes
// at any thread count; memory linear in the records; speed.
import Annotations
import CMetricKernels
import Determinism
import Geometry

/// Which detections matched, for every class, image, area range and threshold: all that later steps need.
public struct CocoMatches: Sendable {
    public let settings: CocoSettings
    /// Ascending.
    public let imageIDs: [Int64]
    /// Ascending; one class stands for all where classes are joined.
    public let categoryIDs: [Int64]
    public let classCount: Int
    /// LVIS's letter of each class (`r`, `c`, `f`); empty elsewhere.
    public let frequencies: [String]
    public let warnings: [CocoWarning]

    /// Per detection kept, class by class, image by image, from high to low score.
    public let resultIndices: [Int32]
    public let scores: [Double]
    public let ranks: [UInt32]
    public let images: [Int32]
    /// `[area][detection]`; bit t tells about threshold t.
    public let matched: [UInt32]
    public let ignored: [UInt32]
    /// Detections of each class.
    public let classDetections: [Range<Int>]

    /// Per class and image with truths: the image, and how many truths count in each area range `[area][cell]`.
    public let truthImages: [Int32]
    public let truthCounts: [Int32]
    public let classTruthCells: [Range<Int>]
}

public enum CocoEvaluation {
    /// Matches detections to truths image by image and class by class.
    ///
    /// - Parameter settings: `maxDetections` is sorted first, as in the reference.
    /// - Throws: `CocoInputError` where the reference raises or never returns.
    /// - Precondition: at most 32 thresholds; at least one detection limit and one area range.
    public static func match(
        truth: CocoDataset, results: DetectionTable, settings given: CocoSettings
    ) throws -> CocoMatches {
        var settings = given
        settings.maxDetections.sort()
        precondition(settings.iouThresholds.count <= 32, "\(settings.iouThresholds.count) thresholds: at most 32")
        precondition(
            !settings.maxDetections.isEmpty && !settings.areaRanges.isEmpty, "no detection limit or area range")
        let cells = try CocoCells(truth: truth, results: results, settings: settings)
        let shapes = try CocoShapes(
            truth: truth, truths: cells.truths, results: results, detections: cells.detections, settings: settings)
        var matcher = Matcher(cells: cells, shapes: shapes, settings: settings)
        try matcher.run(truth: truth, points: results.keypoints)
        return matcher.matches(results.scores)
    }

    /// The same for predictions that are not in a table yet.
    public static func match(
        truth: CocoDataset, results: [DetectionResult], settings: CocoSettings
    ) throws -> CocoMatches {
        try match(truth: truth, results: DetectionTable(results), settings: settings)
    }
}

private struct Matcher {
    let cells: CocoCells
    let shapes: CocoShapes
    let settings: CocoSettings
    var matched: [UInt32]
    var ignored: [UInt32]
    var counts: [Int32]
    var sizeMismatches = 0

    init(cells: CocoCells, shapes: CocoShapes, settings: CocoSettings) {
        self.cells = cells
        self.shapes = shapes
        self.settings = settings
        matched = [UInt32](repeating: 0, count: settings.areaRanges.count * cells.detections.count)
        ignored = matched
        counts = [Int32](repeating: 0, count: settings.areaRanges.count * cells.cells.count)
    }

    /// What a chunk of cells reports besides its matches.
    private struct Report {
        var mismatches = 0
        /// Positions in cell order of two masks that cannot be walked together.
        var stuck: (detection: Int, truth: Int)?
    }

    mutating func run(truth: CocoDataset, points: [Double]) throws {
        let grain = 512
        let cellCount = cells.cells.count
        let chunkCount = (cellCount + grain - 1) / grain
        var reports = [Report](repeating: Report(), count: chunkCount)
        let work = CellWork(cells: cells, shapes: shapes, settings: settings, points: points)
        matched.withUnsafeMutableBufferPointer { matched in
            ignored.withUnsafeMutableBufferPointer { ignored in
                counts.withUnsafeMutableBufferPointer { counts in
                    reports.withUnsafeMutableBufferPointer { reports in
                        nonisolated(unsafe) let (matched, ignored, counts, reports) = (
                            matched, ignored, counts, reports
                        )
                        Parallel.forEach(chunkCount) { chunk in
                            var scratch = CellWork.Scratch(found: CocoOverlaps(work.settings))
                            for index in chunk * grain..<min((chunk + 1) * grain, cellCount) {
                                work.match(index, &scratch, matched, ignored, counts)
                                if scratch.found.stuck != nil { break }
                            }
                            reports[chunk] = Report(mismatches: scratch.found.mismatches, stuck: scratch.found.stuck)
                        }
                    }
                }
            }
        }
        for report in reports {
            sizeMismatches += report.mismatches
            if let stuck = report.stuck {
                let annotation = truth.annotations[Int(cells.truths[stuck.truth])]
                let position = cells.detections[stuck.detection]
                throw CocoInputError(
                    .results, record: "[\(position)], \"segmentation\"",
                    expected: "run lengths that sum to those of the truth it overlaps (annotation id \(annotation.id))",
                    found: "another total",
                    remedy: "encode the mask again for an image of "
                        + "\(shapes.truthMasks[stuck.truth].size) pixels (height x width)")
            }
        }
    }

    func matches(_ scores: [Double]) -> CocoMatches {
        var warnings = cells.warnings + shapes.warnings
        if sizeMismatches > 0 {
            warnings.append(
                CocoWarning(
                    "mask-size-differs",
                    "\(sizeMismatches) pair(s) of masks have different sizes and cannot match; encode result masks at "
                        + "the image's own size"))
        }
        var images = [Int32](repeating: 0, count: cells.detections.count)
        var classDetections = [Range<Int>](repeating: 0..<0, count: cells.classCount)
        var classTruthCells = classDetections
        var truthImages: [Int32] = []
        var kept: [Int] = []
        var detection = 0
        var cell = 0
        for classIndex in 0..<cells.classCount {
            let (firstDetection, firstTruth) = (detection, kept.count)
            while cell < cells.cells.count, Int(cells.cells[cell].classIndex) == classIndex {
                let range = cells.cells[cell].detections
                for position in range { images[Int(position)] = cells.cells[cell].image }
                detection = Int(range.upperBound)
                if !cells.cells[cell].truths.isEmpty {
                    kept.append(cell)
                    truthImages.append(cells.cells[cell].image)
                }
                cell += 1
            }
            classDetections[classIndex] = firstDetection..<detection
            classTruthCells[classIndex] = firstTruth..<kept.count
        }
        let cellCount = cells.cells.count
        let truthCounts = settings.areaRanges.indices.flatMap { area in kept.map { counts[area * cellCount + $0] } }
        return CocoMatches(
            settings: settings, imageIDs: cells.imageIDs, categoryIDs: cells.categoryIDs, classCount: cells.classCount,
            frequencies: cells.frequencies,
            warnings: warnings, resultIndices: cells.detections,
            scores: cells.detections.map { scores[Int($0)] }, ranks: cells.ranks, images: images,
            matched: matched, ignored: ignored, classDetections: classDetections, truthImages: truthImages,
            truthCounts: truthCounts, classTruthCells: classTruthCells)
    }
}

/// Overlap and matching of single cells.
private struct CellWork {
    let cells: CocoCells
    let shapes: CocoShapes
    let settings: CocoSettings
    /// Of the results in file order; `shapes.detectionPointStarts` tells where a detection's begin.
    let points: [Double]

    init(cells: CocoCells, shapes: CocoShapes, settings: CocoSettings, points: [Double]) {
        self.cells = cells
        self.shapes = shapes
        self.settings = settings
        self.points = points
    }

    struct Scratch {
        var found: CocoOverlaps
        var order: [UInt64] = []
    }

    func match(
        _ index: Int, _ scratch: inout Scratch, _ matched: UnsafeMutableBufferPointer<UInt32>,
        _ ignored: UnsafeMutableBufferPointer<UInt32>, _ counts: UnsafeMutableBufferPointer<Int32>
    ) {
        let cell = cells.cells[index]
        let d0 = Int(cell.detections.lowerBound)
        let g0 = Int(cell.truths.lowerBound)
        let (m, n) = (cell.detections.count, cell.truths.count)
        // Quirk(COCO): with joined classes keypoints are never compared, so nothing matches.
        let comparable = settings.usesCategories || settings.overlap != .keypoints
        if scratch.order.count < 2 * n { scratch.order = [UInt64](repeating: 0, count: 4 * n) }
        if comparable && m > 0 && n > 0 {
            scratch.found.compute(shapes, d0..<d0 + m, g0..<g0 + n, points: points)
        }
        let total = cells.detections.count
        scratch.found.values.withUnsafeBufferPointer { overlap in
            shapes.detectionArea.withUnsafeBufferPointer { detectionArea in
                shapes.truthArea.withUnsafeBufferPointer { truthArea in
                    shapes.truthIgnored.withUnsafeBufferPointer { truthIgnored in
                        shapes.truthCrowd.withUnsafeBufferPointer { truthCrowd in
                            shapes.truthIDZero.withUnsafeBufferPointer { truthIDZero in
                                var entry = dmt_cell()
                                entry.detection_count = m
                                entry.truth_count = n
                                entry.excuses_unmatched = cell.excusesUnmatched ? 1 : 0
                                entry.overlap = comparable && m > 0 && n > 0 ? overlap.baseAddress : nil
                                entry.detection_area = detectionArea.baseAddress.map { $0 + d0 }
                                entry.truth_area = truthArea.baseAddress.map { $0 + g0 }
                                entry.truth_ignored = truthIgnored.baseAddress.map { $0 + g0 }
                                entry.truth_crowd = truthCrowd.baseAddress.map { $0 + g0 }
                                entry.truth_id_zero = truthIDZero.baseAddress.map { $0 + g0 }
                                for (area, range) in settings.areaRanges.enumerated() {
                                    let offset = area * total + d0
                                    let counted = dmt_match_cell(
                                        &entry, range.low, range.high, settings.iouThresholds,
                                        settings.iouThresholds.count, matched.baseAddress.map { $0 + offset },
                                        ignored.baseAddress.map { $0 + offset }, &scratch.order)
                                    counts[area * cells.cells.count + index] = Int32(counted)
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}
