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
    public let scores: [Double]
    public let images: [Int32]
    /// `[area][detection]`; bit t tells about threshold t.
    public let matched: [UInt16]
    public let ignored: [UInt16]
    /// Detections of each class.
    public let classDetections: [Range<Int>]

    /// Per class and image with truths: the image, and how many truths count in each area range `[area][cell]`.
    public let truthImages: [Int32]
    public let truthCounts: [Int32]
    public let classTruthCells: [Range<Int>]
}

extension CocoMatches {
    /// Place of each of a class's detections in its image, from the highest score down.
    func ranks(_ classIndex: Int) -> [UInt32] {
        var rank: UInt32 = 0
        var image: Int32 = -1
        return images[classDetections[classIndex]].map { next in
            rank = next == image ? rank + 1 : 0
            image = next
            return rank
        }
    }
}

public enum CocoEvaluation {
    /// Matches detections to truths image by image and class by class.
    ///
    /// - Parameter settings: `maxDetections` is sorted first, as in the reference.
    /// - Throws: `CocoInputError` where the reference raises or never returns.
    /// - Precondition: at most 16 thresholds; one to 64 detection limits, at least one area range.
    public static func match(
        truth: CocoDataset, results: DetectionTable, settings given: CocoSettings
    ) throws -> CocoMatches {
        var settings = given
        settings.maxDetections.sort()
        precondition(settings.iouThresholds.count <= 16, "\(settings.iouThresholds.count) thresholds: at most 16")
        precondition(
            !settings.maxDetections.isEmpty && !settings.areaRanges.isEmpty, "no detection limit or area range")
        precondition(
            settings.maxDetections.count <= Int(DMT_MAX_LIMITS), "more than \(DMT_MAX_LIMITS) detection limits")
        let cells = try CocoCells(truth: truth, results: results, settings: settings)
        let shapes = try CocoShapes(
            truth: truth, truths: cells.truths, results: results, detections: cells.detections, settings: settings)
        var matcher = Matcher(cells: cells, shapes: shapes, settings: settings)
        try matcher.run()
        return matcher.matches()
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
    var matched: [UInt16]
    var ignored: [UInt16]
    var counts: [Int32]
    var mismatches = CocoPlaces()
    var unfilled = CocoPlaces()

    init(cells: CocoCells, shapes: CocoShapes, settings: CocoSettings) {
        self.cells = cells
        self.shapes = shapes
        self.settings = settings
        matched = .large(repeating: 0, count: settings.areaRanges.count * cells.detections.count)
        ignored = .large(repeating: 0, count: matched.count)
        counts = [Int32](repeating: 0, count: settings.areaRanges.count * cells.count)
    }

    /// What a chunk of cells reports besides its matches.
    private struct Report {
        var mismatches = CocoPlaces()
        var unfilled = CocoPlaces()
        var error: CocoInputError?
    }

    mutating func run() throws(CocoInputError) {
        let grain = 128
        let cellCount = cells.count
        let chunkCount = (cellCount + grain - 1) / grain
        var reports = [Report](repeating: Report(), count: chunkCount)
        let work = CellWork(cells: cells, shapes: shapes, settings: settings)
        matched.withUnsafeMutableBufferPointer { matched in
            ignored.withUnsafeMutableBufferPointer { ignored in
                counts.withUnsafeMutableBufferPointer { counts in
                    reports.withUnsafeMutableBufferPointer { reports in
                        nonisolated(unsafe) let (matched, ignored, counts, reports) = (
                            matched, ignored, counts, reports
                        )
                        Parallel.forEach(chunkCount) { chunk in
                            var scratch = CellWork.Scratch(found: CocoOverlaps(work.settings))
                            var error: CocoInputError?
                            scratch.found.prepare(work.shapes, work.detections(chunk * grain, grain))
                            for index in chunk * grain..<min((chunk + 1) * grain, cellCount) where error == nil {
                                do throws(CocoInputError) {
                                    try work.match(index, &scratch, matched, ignored, counts)
                                } catch let found { error = found }
                            }
                            reports[chunk] = Report(
                                mismatches: scratch.found.mismatches, unfilled: scratch.found.unfilled, error: error)
                        }
                    }
                }
            }
        }
        for report in reports {
            if let error = report.error { throw error }
            mismatches.add(report.mismatches)
            unfilled.add(report.unfilled)
        }
    }

    func matches() -> CocoMatches {
        let warnings =
            cells.warnings + shapes.warnings
            + CocoWarning.masks(unfilled: unfilled, mismatches: mismatches, shapes.truth, shapes.results)
        var classDetections = [Range<Int>](repeating: 0..<0, count: cells.classCount)
        var classTruthCells = classDetections
        var truthImages: [Int32] = []
        var kept: [Int] = []
        var detection = 0
        var cell = 0
        for classIndex in 0..<cells.classCount {
            let (firstDetection, firstTruth) = (detection, kept.count)
            while cell < cells.count, cells[cell].classIndex == classIndex {
                let content = cells[cell]
                detection = content.detections.upperBound
                if !content.truths.isEmpty {
                    kept.append(cell)
                    truthImages.append(Int32(content.image))
                }
                cell += 1
            }
            classDetections[classIndex] = firstDetection..<detection
            classTruthCells[classIndex] = firstTruth..<kept.count
        }
        let cellCount = cells.count
        let truthCounts = settings.areaRanges.indices.flatMap { area in kept.map { counts[area * cellCount + $0] } }
        return CocoMatches(
            settings: settings, imageIDs: cells.imageIDs, categoryIDs: cells.categoryIDs, classCount: cells.classCount,
            frequencies: cells.frequencies,
            warnings: warnings, scores: cells.scores, images: cells.images,
            matched: matched, ignored: ignored, classDetections: classDetections, truthImages: truthImages,
            truthCounts: truthCounts, classTruthCells: classTruthCells)
    }
}

/// Overlap and matching of single cells.
private struct CellWork {
    let cells: CocoCells
    let shapes: CocoShapes
    let settings: CocoSettings
    /// Lowest and highest area of each range.
    private let areas: [Double]

    init(cells: CocoCells, shapes: CocoShapes, settings: CocoSettings) {
        self.cells = cells
        self.shapes = shapes
        self.settings = settings
        areas = settings.areaRanges.flatMap { [$0.low, $0.high] }
    }

    /// Detections of `count` cells from `first` on.
    func detections(_ first: Int, _ count: Int) -> Range<Int> {
        cells[first].detections.lowerBound..<cells[min(first + count, cells.count) - 1].detections.upperBound
    }

    struct Scratch {
        var found: CocoOverlaps
        var room: [UInt32] = []
    }

    func match(
        _ index: Int, _ scratch: inout Scratch, _ matched: UnsafeMutableBufferPointer<UInt16>,
        _ ignored: UnsafeMutableBufferPointer<UInt16>, _ counts: UnsafeMutableBufferPointer<Int32>
    ) throws(CocoInputError) {
        let cell = cells[index]
        let (d0, g0) = (cell.detections.lowerBound, cell.truths.lowerBound)
        let (m, n) = (cell.detections.count, cell.truths.count)
        // Quirk(COCO): with joined classes keypoints are never compared, so nothing matches.
        let comparable = settings.usesCategories || settings.overlap != .keypoints
        let words = dmt_match_scratch_words(m, n)
        if scratch.room.count < words { scratch.room = [UInt32](repeating: 0, count: 2 * words) }
        try scratch.found.compute(shapes, d0..<d0 + m, g0..<g0 + n, compares: comparable)
        let total = cells.detections.count
        scratch.found.values.withUnsafeBufferPointer { overlap in
            scratch.found.areas.withUnsafeBufferPointer { detectionArea in
                shapes.truthArea.withUnsafeBufferPointer { truthArea in
                    shapes.truthIgnored.withUnsafeBufferPointer { truthIgnored in
                        shapes.truthCrowd.withUnsafeBufferPointer { truthCrowd in
                            shapes.truthIDZero.withUnsafeBufferPointer { truthIDZero in
                                var entry = dmt_cell()
                                entry.detection_count = m
                                entry.truth_count = n
                                entry.excuses_unmatched = cell.excusesUnmatched ? 1 : 0
                                entry.overlap = comparable && m > 0 && n > 0 ? overlap.baseAddress : nil
                                entry.detection_area = detectionArea.baseAddress.map { $0 + scratch.found.offset }
                                entry.truth_area = truthArea.baseAddress.map { $0 + g0 }
                                entry.truth_ignored = truthIgnored.baseAddress.map { $0 + g0 }
                                entry.truth_crowd = truthCrowd.baseAddress.map { $0 + g0 }
                                entry.truth_id_zero = truthIDZero.baseAddress.map { $0 + g0 }
                                dmt_match_cell(
                                    &entry, areas, settings.areaRanges.count, settings.iouThresholds,
                                    settings.iouThresholds.count, total, matched.baseAddress.map { $0 + d0 },
                                    ignored.baseAddress.map { $0 + d0 }, cells.count, counts.baseAddress! + index,
                                    &scratch.room)
                            }
                        }
                    }
                }
            }
        }
    }
}
