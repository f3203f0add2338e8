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
    /// Positions in the results, cell by cell.
    let detections: [Int32]
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
        var warnings: [CocoWarning] = []

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
        let truthOrder = truthKeys.order(images: imageIDs.count, categories: categoryIDs.count, joined: joined)
        let resultOrder = resultKeys.order(images: imageIDs.count, categories: categoryIDs.count, joined: joined)
        self.imageIDs = imageIDs
        self.categoryIDs = categoryIDs
        classCount = joined ? 1 : categoryIDs.count
        truths = truthOrder.map { truthPositions[Int($0)] }
        (starts, detections) = CocoCells.merge(
            truthKeys, truthOrder, resultKeys, resultOrder, joined: joined, scores: results.scores,
            limit: settings.maxDetections.last ?? 0)
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

    /// Walks both orders together, and sorts and cuts the detections of each cell.
    private static func merge(
        _ truthKeys: CellKeys, _ truthOrder: [Int32], _ resultKeys: CellKeys, _ resultOrder: consuming [Int32],
        joined: Bool, scores: [Double], limit: Int
    ) -> ([Start], [Int32]) {
        var starts: [Start] = []
        // Cells of one record are most; room that is not used costs nothing.
        starts.reserveLarge(truthOrder.count + resultOrder.count)
        // The kept ones move to the front of the same array.
        var detections = resultOrder
        var kept = 0
        var sorter = CellSorter()
        var t = 0
        var r = 0
        while t < truthOrder.count || r < detections.count {
            let truthKey = t < truthOrder.count ? truthKeys.cell(truthOrder[t], joined) : .max
            let resultKey = r < detections.count ? resultKeys.cell(detections[r], joined) : .max
            let key = min(truthKey, resultKey)
            starts.append(
                Start(
                    classIndex: Int32(key >> 32), image: Int32(truncatingIfNeeded: key), truth: Int32(t),
                    detection: Int32(kept)))
            while t < truthOrder.count, truthKeys.cell(truthOrder[t], joined) == key { t += 1 }
            if resultKey != key { continue }
            let first = r
            repeat { r += 1 } while r < detections.count && resultKeys.cell(detections[r], joined) == key
            if r - first == 1, limit > 0 {
                detections[kept] = detections[first]
                kept += 1
            } else {
                kept += sorter.sort(&detections, first..<r, scores, to: kept, limit: limit)
            }
        }
        detections.removeLast(detections.count - kept)
        return (starts, detections)
    }
}

/// Sorts the detections of cells; the room is used again.
private struct CellSorter {
    private var scores: [Double] = []
    private var order: [UInt32] = []
    private var scratch: [UInt32] = []
    private var sorted: [Int32] = []

    /// Writes the first `limit` of the positions in `range`, from high to low score, to `target` and on, which is not past
    /// the range's start; returns how many.
    mutating func sort(
        _ positions: inout [Int32], _ range: Range<Int>, _ allScores: [Double], to target: Int, limit: Int
    ) -> Int {
        scores.removeAll(keepingCapacity: true)
        for place in range { scores.append(allScores[Int(positions[place])]) }
        if order.count < range.count {
            order = [UInt32](repeating: 0, count: 2 * range.count)
            scratch = order
        }
        dmt_order_scores(scores, range.count, &order, &scratch)
        sorted.removeAll(keepingCapacity: true)
        for rank in 0..<min(range.count, limit) { sorted.append(positions[range.lowerBound + Int(order[rank])]) }
        for (rank, position) in sorted.enumerated() { positions[target + rank] = position }
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

    /// Class in the upper half, image in the lower.
    func cell(_ record: Int32, _ joined: Bool) -> Int {
        (joined ? 0 : Int(categories[Int(record)])) << 32 | Int(images[Int(record)])
    }

    /// Records in the order of their cells, by two stable counting sorts. With joined classes the class still orders the
    /// records inside an image.
    func order(images imageCount: Int, categories categoryCount: Int, joined: Bool) -> [Int32] {
        let minor = joined ? categories : images
        let major = joined ? images : categories
        let (minorCount, majorCount) = joined ? (categoryCount, imageCount) : (imageCount, categoryCount)
        // Records mostly stand image by image already.
        if !joined, zip(minor, minor.dropFirst()).allSatisfy({ $0 <= $1 }) {
            return CocoCells.order(major, count: majorCount)
        }
        let first = CocoCells.order(minor, count: minorCount)
        let keys = first.map { joined || categories[Int($0)] >= 0 ? major[Int($0)] : -1 }
        return CocoCells.order(keys, count: majorCount).map { first[Int($0)] }
    }
}
