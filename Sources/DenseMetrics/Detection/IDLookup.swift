/// Position of an id in a sorted list; remembers the last answer, since records of one image mostly stand together.
struct IDLookup {
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
