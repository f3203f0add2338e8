import Annotations
import CMetricKernels
import Determinism

/// Truths and detections sorted into cells of one class and one image.
///
/// Order follows the reference: images and classes by id; inside a cell truths in file order, detections from high to
/// low score (equals in file order), cut to the largest detection limit.
struct CocoCells {
    /// Ascending, without repeats.
    let imageIDs: [Int64]
    let categoryIDs: [Int64]
    /// Classes the cells are kept apart for: `categoryIDs.count`, or 1 when classes are joined.
    let classCount: Int
    /// LVIS's letter of each class; empty elsewhere.
    let frequencies: [String]
    /// Positions in the truth's annotations, cell by cell.
    let truths: [Int32]
    /// Positions in the results, cell by cell, with their scores and the place of their image in `imageIDs`.
    let detections: [Int32]
    let scores: [Double]
    let images: [Int32]
    /// Ascending by class, then image; only cells that hold something.
    private let starts: [Start]
    /// Cells whose unmatched detections do not count (LVIS).
    private let excused: Set<Int>
    let warnings: [CocoWarning]

    /// Where a cell begins; the next one is its end.
    private struct Start {
        var classIndex, image, truth, detection: Int32
    }

    struct Cell {
        var classIndex, image: Int
        var truths, detections: Range<Int>
        /// Unmatched detections do not count (LVIS).
        var excusesUnmatched: Bool
    }

    var count: Int { starts.count }

    subscript(index: Int) -> Cell {
        let start = starts[index]
        let isLast = index + 1 == starts.count
        return Cell(
            classIndex: Int(start.classIndex), image: Int(start.image),
            truths: Int(start.truth)..<(isLast ? truths.count : Int(starts[index + 1].truth)),
            detections: Int(start.detection)..<(isLast ? detections.count : Int(starts[index + 1].detection)),
            excusesUnmatched: excused.contains(index))
    }

    /// - Throws: `CocoInputError` for a result of an unknown image.
    init(truth: CocoDataset, results: DetectionTable, settings: CocoSettings) throws {
        let imageIDs = CocoCells.sortedUnique(truth.images.lazy.map(\.id))
        let categoryIDs = CocoCells.sortedUnique(truth.categories.lazy.map(\.id))
        var images = IDLookup(imageIDs)
        var categories = IDLookup(categoryIDs)
        var warnings = [
            CocoWarning(repeatedIDs: truth.images.map(\.id), "image", "of these images the last one stands for all"),
            CocoWarning(repeatedIDs: truth.categories.map(\.id), "category", "these classes count once"),
        ].compactMap(\.self)

        // Truth. Quirk(COCO): annotations are fetched by id, so of two with one id the later stands for both.
        var last: [Int64: Int32] = [:]
        last.reserveCapacity(truth.annotations.count)
        for (index, annotation) in truth.annotations.enumerated() { last[annotation.id] = Int32(index) }
        var repeated = CocoPlaces()
        if last.count < truth.annotations.count {
            for (index, annotation) in truth.annotations.enumerated() where last[annotation.id] != Int32(index) {
                repeated.add(annotation: Int32(index))
            }
        }
        var truthKeys = CellKeys(capacity: truth.annotations.count)
        var truthPositions: [Int32] = []
        var dangling = CocoPlaces()
        let places = truth.annotations.map { images[$0.imageID] ?? -1 }
        for (position, place) in places.enumerated() where place < 0 { dangling.add(annotation: Int32(position)) }
        let fileOrder = CocoCells.order(places, count: imageIDs.count)
        for position in fileOrder {
            let annotation = truth.annotations[Int(position)]
            guard categories[annotation.categoryID] != nil || !settings.usesCategories else {
                dangling.add(annotation: position)
                continue
            }
            let effective = last[annotation.id] ?? position
            let used = truth.annotations[Int(effective)]
            guard let image = images[used.imageID], let category = categories[used.categoryID] else { continue }
            truthKeys.append(image: image, category: category)
            truthPositions.append(effective)
        }
        warnings += [
            CocoWarning(
                "repeated-annotation-id", repeated, truth, results,
                "annotation(s) share an id with a later one, which is used in their place; give every annotation its "
                    + "own id"),
            CocoWarning(
                "unknown-reference", dangling, truth, results,
                "annotation(s) name an image or a category that the file does not list and are left out"),
        ].compactMap(\.self)

        let federation =
            settings.isFederated
            ? try CocoFederation(truth, image: { images[$0] }, category: { categories[$0] }) : nil
        let kept = settings.isFederated ? CocoFederation.best(results, settings.maxDetections.last ?? 0) : []
        var resultKeys = CellKeys(capacity: results.count)
        var unknownClass = CocoPlaces()
        for index in 0..<results.count {
            guard let image = images[results.imageIDs[index]] else {
                throw CocoInputError.unknownImage(results.imageIDs[index], at: index)
            }
            let category = categories[results.categoryIDs[index]]
            if category == nil { unknownClass.add(result: Int32(index)) }
            let counts = category.map { federation?.counts(image, $0) ?? true } ?? false
            resultKeys.append(image: image, category: counts && (kept.isEmpty || kept[index]) ? category! : -1)
        }
        if let warning = CocoWarning.unknownClass(unknownClass, truth, results) { warnings.append(warning) }

        let joined = !settings.usesCategories
        self.imageIDs = imageIDs
        self.categoryIDs = categoryIDs
        classCount = joined ? 1 : categoryIDs.count
        let sortedTruths = truthKeys.sorted(imageIDs.count, categoryIDs.count, joined: joined)
        truths = sortedTruths.positions.map { truthPositions[Int($0)] }
        var sortedResults = resultKeys.sorted(
            imageIDs.count, categoryIDs.count, joined: joined, scores: results.scores)
        starts = CocoCells.cut(sortedTruths, &sortedResults, limit: settings.maxDetections.last ?? 0)
        detections = sortedResults.positions
        self.images = sortedResults.images
        scores = sortedResults.scores
        var excused: Set<Int> = []
        if let federation {
            for (index, cell) in starts.enumerated() where federation.excusesUnmatched(cell.image, cell.classIndex) {
                excused.insert(index)
            }
        }
        self.excused = excused
        frequencies = settings.isFederated ? try truth.frequencies(categoryIDs) : []
        self.warnings = warnings
    }

    private static func sortedUnique(_ ids: some Sequence<Int64>) -> [Int64] {
        var result: [Int64] = []
        for id in ids.sorted() where result.last != id { result.append(id) }
        return result
    }

    /// Positions ordered by key, equals in given order; negative keys are left out.
    static func order(_ keys: [Int32], count: Int) -> [Int32] {
        var starts = [Int](repeating: 0, count: count + 1)
        for key in keys where key >= 0 { starts[Int(key) + 1] += 1 }
        for index in 0..<count { starts[index + 1] += starts[index] }
        var result: [Int32] = .large(repeating: 0, count: starts[count])
        for (position, key) in keys.enumerated() where key >= 0 {
            result[starts[Int(key)]] = Int32(position)
            starts[Int(key)] += 1
        }
        return result
    }

    /// Walks both lists together; sorts the detections of each cell by score and keeps the best.
    private static func cut(_ truths: CellOrder, _ results: inout CellOrder, limit: Int) -> [Start] {
        var starts: [Start] = []
        // Cells of one record are most; room that is not used costs nothing.
        starts.reserveLarge(truths.positions.count + results.positions.count)
        var sorter = CellSorter()
        // The kept ones move to the front of the same arrays.
        var kept = 0
        for classIndex in 0..<truths.classStarts.count - 1 {
            var (t, r) = (truths.classStarts[classIndex], results.classStarts[classIndex])
            let (truthEnd, resultEnd) = (truths.classStarts[classIndex + 1], results.classStarts[classIndex + 1])
            while t < truthEnd || r < resultEnd {
                let image = min(
                    t < truthEnd ? truths.images[t] : .max, r < resultEnd ? results.images[r] : .max)
                starts.append(
                    Start(classIndex: Int32(classIndex), image: image, truth: Int32(t), detection: Int32(kept)))
                while t < truthEnd, truths.images[t] == image { t += 1 }
                let first = r
                while r < resultEnd, results.images[r] == image { r += 1 }
                kept += sorter.keep(first..<r, of: &results, at: kept, limit: limit)
            }
        }
        results.cut(to: kept)
        return starts
    }
}
