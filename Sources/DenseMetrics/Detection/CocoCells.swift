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
    /// Place of each detection in its cell.
    let ranks: [UInt32]
    /// Ascending by class, then image; only cells that hold something.
    let cells: [Cell]
    let warnings: [CocoWarning]

    struct Cell {
        var classIndex: Int32
        var image: Int32
        var truths: Range<Int32>
        var detections: Range<Int32>
        /// Unmatched detections do not count (LVIS).
        var excusesUnmatched = false
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
        var truthKeys = SortKeys(capacity: truth.annotations.count)
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
            truthKeys.append(effective, image: image, category: category)
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
        var resultKeys = SortKeys(capacity: results.count)
        var unknownClass = CocoPlaces()
        for index in 0..<results.count {
            guard let image = images[results.imageIDs[index]] else {
                throw CocoInputError.unknownImage(results.imageIDs[index], at: index)
            }
            if let category = categories[results.categoryIDs[index]] {
                if let federation, !kept[index] || !federation.counts(image, category) { continue }
                resultKeys.append(Int32(index), image: image, category: category)
            } else {
                unknownClass.add(result: Int32(index))
            }
        }
        if let warning = CocoWarning.unknownClass(unknownClass, truth, results) { warnings.append(warning) }

        let sortedTruths = truthKeys.sorted(
            images: imageIDs.count, categories: categoryIDs.count, settings.usesCategories)
        let sortedResults = resultKeys.sorted(
            images: imageIDs.count, categories: categoryIDs.count, settings.usesCategories)
        self.imageIDs = imageIDs
        self.categoryIDs = categoryIDs
        classCount = settings.usesCategories ? categoryIDs.count : 1
        let merged = CocoCells.merge(
            sortedTruths, sortedResults, scores: results.scores, limit: settings.maxDetections.last ?? 0)
        (truths, detections, ranks) = (merged.0, merged.1, merged.2)
        cells =
            federation.map { federation in
                merged.3.map { cell in
                    var cell = cell
                    cell.excusesUnmatched = federation.excusesUnmatched(cell.image, cell.classIndex)
                    return cell
                }
            } ?? merged.3
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

    private typealias Entry = SortKeys.Entry

    /// Walks both sorted lists together, and sorts and cuts the detections of each cell.
    private static func merge(
        _ truthEntries: [Entry], _ resultEntries: [Entry], scores allScores: [Double], limit: Int
    ) -> ([Int32], [Int32], [UInt32], [Cell]) {
        var detections: [Int32] = []
        var ranks: [UInt32] = []
        var cells: [Cell] = []
        detections.reserveLarge(resultEntries.count)
        ranks.reserveLarge(resultEntries.count)
        cells.reserveLarge(truthEntries.count + resultEntries.count)
        var scores: [Double] = []
        var order: [UInt32] = []
        var scratch: [UInt32] = []
        var t = 0
        var r = 0
        while t < truthEntries.count || r < resultEntries.count {
            let key =
                t == truthEntries.count
                ? resultEntries[r].cell
                : r == resultEntries.count ? truthEntries[t].cell : min(truthEntries[t].cell, resultEntries[r].cell)
            let firstTruth = t
            while t < truthEntries.count, truthEntries[t].cell == key { t += 1 }
            let firstResult = r
            while r < resultEntries.count, resultEntries[r].cell == key { r += 1 }
            let firstDetection = detections.count
            let count = r - firstResult
            if count == 1 {
                if limit > 0 {
                    detections.append(resultEntries[firstResult].position)
                    ranks.append(0)
                }
            } else if count > 1 {
                scores.removeAll(keepingCapacity: true)
                for entry in resultEntries[firstResult..<r] { scores.append(allScores[Int(entry.position)]) }
                if order.count < count {
                    order = [UInt32](repeating: 0, count: 2 * count)
                    scratch = order
                }
                dmt_order_scores(scores, count, &order, &scratch)
                for rank in 0..<min(count, limit) {
                    detections.append(resultEntries[firstResult + Int(order[rank])].position)
                    ranks.append(UInt32(rank))
                }
            }
            cells.append(
                Cell(
                    classIndex: Int32(key >> 32), image: Int32(truncatingIfNeeded: key),
                    truths: Int32(firstTruth)..<Int32(t), detections: Int32(firstDetection)..<Int32(detections.count)))
        }
        return (truthEntries.map(\.position), detections, ranks, cells)
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

/// Records with their image and class, to be sorted by cell.
private struct SortKeys {
    struct Entry {
        /// Class in the upper half, image in the lower.
        var cell: Int
        var position: Int32
    }

    var positions: [Int32] = []
    var images: [Int32] = []
    var categories: [Int32] = []

    init(capacity: Int) {
        positions.reserveLarge(capacity)
        images.reserveLarge(capacity)
        categories.reserveLarge(capacity)
    }

    mutating func append(_ position: Int32, image: Int32, category: Int32) {
        positions.append(position)
        images.append(image)
        categories.append(category)
    }

    /// Two stable counting sorts. With joined classes the class still orders the records inside an image.
    func sorted(images imageCount: Int, categories categoryCount: Int, _ usesCategories: Bool) -> [Entry] {
        let minor = usesCategories ? images : categories
        let major = usesCategories ? categories : images
        // Records mostly stand image by image already.
        let isOrdered = zip(minor, minor.dropFirst()).allSatisfy { $0 <= $1 }
        let first = isOrdered ? [] : CocoCells.order(minor, count: usesCategories ? imageCount : categoryCount)
        let second = CocoCells.order(
            isOrdered ? major : first.map { major[Int($0)] }, count: usesCategories ? categoryCount : imageCount)
        var entries: [Entry] = []
        entries.reserveLarge(second.count)
        for place in second {
            let index = isOrdered ? Int(place) : Int(first[Int(place)])
            let classIndex = usesCategories ? Int(categories[index]) : 0
            entries.append(Entry(cell: classIndex << 32 | Int(images[index]), position: positions[index]))
        }
        return entries
    }
}
