/// Picks the best few of many scores in one pass; ties go to the lower index, numbers that are not finite never win.
struct BestScores {
    private let limit: Int
    /// A heap with the worst kept entry at its root.
    private var heap: [(score: Float, index: Int)] = []

    /// - Complexity: O(n log count), near O(n) for scores in random order.
    static func indices(_ count: Int, of range: Range<Int>, score: (Int) -> Float) -> [Int] {
        var best = BestScores(limit: count)
        for index in range {
            let value = score(index)
            if value.isFinite { best.offer(value, index) }
        }
        return best.heap.sorted { isWorse($1, $0) }.map(\.index)
    }

    private init(limit: Int) { self.limit = limit }

    private static func isWorse(_ a: (score: Float, index: Int), _ b: (score: Float, index: Int)) -> Bool {
        a.score < b.score || (a.score == b.score && a.index > b.index)
    }

    private mutating func offer(_ score: Float, _ index: Int) {
        if heap.count < limit {
            heap.append((score, index))
            var child = heap.count - 1
            while child > 0, Self.isWorse(heap[child], heap[(child - 1) / 2]) {
                heap.swapAt(child, (child - 1) / 2)
                child = (child - 1) / 2
            }
        } else if let worst = heap.first, Self.isWorse(worst, (score, index)) {
            heap[0] = (score, index)
            var parent = 0
            while true {
                var smallest = parent
                for child in [2 * parent + 1, 2 * parent + 2] where child < heap.count {
                    if Self.isWorse(heap[child], heap[smallest]) { smallest = child }
                }
                if smallest == parent { break }
                heap.swapAt(parent, smallest)
                parent = smallest
            }
        }
    }
}
