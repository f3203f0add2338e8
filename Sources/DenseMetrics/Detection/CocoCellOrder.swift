import CMetricKernels
import Determinism

/// Image and class of each record; records of class -1 are left out.
struct CellKeys {
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

/// Records by class, then image, then their own order.
struct CellOrder {
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
struct CellSorter {
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
