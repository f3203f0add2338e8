/// Ascending ranges of addresses, no two of which touch.
struct AddressRanges {
    private var ranges: [Range<UInt>] = []
    /// Of all ranges together.
    private(set) var byteCount = 0

    /// - Parameter range: shares no address with the others.
    mutating func insert(_ range: Range<UInt>) {
        byteCount += range.count
        var (place, joined) = (ranges.firstIndex { $0.lowerBound >= range.upperBound } ?? ranges.count, range)
        if place < ranges.count, ranges[place].lowerBound == range.upperBound {
            joined = joined.lowerBound..<ranges.remove(at: place).upperBound
        }
        if place > 0, ranges[place - 1].upperBound == range.lowerBound {
            place -= 1
            joined = ranges.remove(at: place).lowerBound..<joined.upperBound
        }
        ranges.insert(joined, at: place)
    }

    /// Takes the addresses of `range` out, as far as they are in.
    mutating func subtract(_ range: Range<UInt>) {
        for place in ranges.indices.reversed() where ranges[place].overlaps(range) {
            let whole = ranges[place]
            byteCount -= whole.clamped(to: range).count
            let before = whole.lowerBound..<max(whole.lowerBound, range.lowerBound)
            let behind = min(whole.upperBound, range.upperBound)..<whole.upperBound
            ranges.replaceSubrange(place...place, with: [before, behind].filter { !$0.isEmpty })
        }
    }

    /// The parts of `range` that are in none.
    func gaps(in range: Range<UInt>) -> [Range<UInt>] {
        var (gaps, start) = ([Range<UInt>](), range.lowerBound)
        for taken in ranges where taken.overlaps(range) {
            if taken.lowerBound > start { gaps.append(start..<taken.lowerBound) }
            start = taken.upperBound
        }
        if start < range.upperBound { gaps.append(start..<range.upperBound) }
        return gaps
    }
}
