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
        var images = Lookup(imageIDs)
        var categories = Lookup(categoryIDs)
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

/// Records by class, then image, then their own order.
private struct CellOrder {
    var positions: [Int32]
    var images: [Int32]
    /// Of results only.
    var scores: [Double]
    /// Where each class begins, and the end.
    let classStarts: [Int]

    mutating func cut(to count: Int) {
        positions.removeLast(positions.count - count)
        images.removeLast(images.count - count)
        scores.removeLast(scores.count - count)
    }
}

/// Sorts the detections of cells; the room is used again.
private struct CellSorter {
    private var order: [UInt32] = []
    private var scratch: [UInt32] = []
    private var sorted: [(position: Int32, score: Double)] = []

    /// Moves the best `limit` detections of a cell to `target` and on, which is not past the cell's begin, from high to low
    /// score; returns how many.
    mutating func keep(_ cell: Range<Int>, of results: inout CellOrder, at target: Int, limit: Int) -> Int {
        if cell.count < 2 {
            guard !cell.isEmpty, limit > 0 else { return 0 }
            results.positions[target] = results.positions[cell.lowerBound]
            results.scores[target] = results.scores[cell.lowerBound]
            results.images[target] = results.images[cell.lowerBound]
            return 1
        }
        if order.count < cell.count {
            order = [UInt32](repeating: 0, count: 2 * cell.count)
            scratch = order
        }
        results.scores.withUnsafeBufferPointer {
            dmt_order_scores($0.baseAddress! + cell.lowerBound, cell.count, &order, &scratch)
        }
        let image = results.images[cell.lowerBound]
        sorted.removeAll(keepingCapacity: true)
        for rank in 0..<min(cell.count, limit) {
            let place = cell.lowerBound + Int(order[rank])
            sorted.append((results.positions[place], results.scores[place]))
        }
        for (rank, detection) in sorted.enumerated() {
            results.positions[target + rank] = detection.position
            results.scores[target + rank] = detection.score
            results.images[target + rank] = image
        }
        return sorted.count
    }
}

/// Position of an id in a sorted list; remembers the last answer, since records of one image mostly stand together.
private struct Lookup {
    /// Position of `first`, `first + 1`, ...; -1 where an id is not in the list. Empty where ids lie far apart.
    private let near: [Int32]
    private let first: Int64
    private let table: [Int64: Int32]
    private var lastID: Int64?
    private var lastIndex: Int32?

    init(_ sorted: [Int64]) {
        first = sorted.first ?? 0
        let (span, overflows) = (sorted.last ?? 0).subtractingReportingOverflow(first)
        if !overflows, span < 16 * sorted.count + 1024 {
            var near = [Int32](repeating: -1, count: Int(span) + 1)
            for (index, id) in sorted.enumerated() { near[Int(id - first)] = Int32(index) }
            self.near = sorted.isEmpty ? [] : near
            table = [:]
        } else {
            near = []
            table = Dictionary(uniqueKeysWithValues: zip(sorted, Int32(0)...))
        }
    }

    subscript(id: Int64) -> Int32? {
        mutating get {
            if !near.isEmpty {
                let (offset, overflows) = id.subtractingReportingOverflow(first)
                guard !overflows, offset >= 0, offset < near.count else { return nil }
                return near[Int(offset)] < 0 ? nil : near[Int(offset)]
            }
            if id == lastID { return lastIndex }
            lastID = id
            lastIndex = table[id]
            return lastIndex
        }
    }
}

/// Image and class of each record; records of class -1 are left out.
private struct CellKeys {
    private var images: [Int32] = []
    private var categories: [Int32] = []

    init(capacity: Int) {
        images.reserveLarge(capacity)
        categories.reserveLarge(capacity)
    }

    mutating func append(image: Int32, category: Int32) {
        images.append(image)
        categories.append(category)
    }

    /// Sorts by class and image, equals in given order. With joined classes there is one class for all, and the records'
    /// own classes order them inside an image.
    func sorted(_ imageCount: Int, _ categoryCount: Int, joined: Bool, scores: [Double] = []) -> CellOrder {
        // A stable counting sort by the lesser key, and one by the greater.
        let (minor, minorCount) = joined ? (categories, categoryCount) : (images, imageCount)
        let (major, majorCount) = joined ? (images, imageCount) : (categories, categoryCount)
        // Records mostly stand image by image already.
        let isOrdered = !joined && zip(minor, minor.dropFirst()).allSatisfy { $0 <= $1 }
        let first = isOrdered ? [] : CocoCells.order(minor, count: minorCount)
        var starts = [Int](repeating: 0, count: majorCount + 1)
        for (major, category) in zip(major, categories) where category >= 0 { starts[Int(major) + 1] += 1 }
        for index in 0..<majorCount { starts[index + 1] += starts[index] }
        let count = starts[majorCount]
        let classStarts = joined ? [0, count] : starts
        var order = CellOrder(
            positions: .large(repeating: 0, count: count), images: .large(repeating: 0, count: count),
            scores: scores.isEmpty ? [] : .large(repeating: 0, count: count), classStarts: classStarts)
        for step in 0..<(isOrdered ? images.count : first.count) {
            let record = isOrdered ? step : Int(first[step])
            guard categories[record] >= 0 else { continue }
            let place = starts[Int(major[record])]
            starts[Int(major[record])] = place + 1
            order.positions[place] = Int32(record)
            order.images[place] = images[record]
            if !scores.isEmpty { order.scores[place] = scores[record] }
        }
        return order
    }
}
