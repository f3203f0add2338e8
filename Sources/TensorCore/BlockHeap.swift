import Determinism
import Glibc

/// Large blocks out of ranges of addresses that are reserved once.
///
/// A freed block joins the holes beside it, and a request takes the smallest hole that holds it, of equals the first. So
/// pages that one step has touched serve the next request whatever its size, without being mapped and cleared anew, and no
/// request is rounded up to a class of sizes. The holes between blocks cost little: in training steps of a ViT-S the highest
/// address in use lay 2 % above the most bytes that were live at once.
///
/// - Source: best fit with immediate coalescing; Wilson, Johnstone, Neely, Boles 1995, "Dynamic storage allocation: a survey
///   and critical review", §3.
struct BlockHeap {
    private struct Hole {
        var start: UInt
        var size: Int
        var end: UInt { start + UInt(size) }
    }

    /// Addresses of which those below `writable` may be touched, and those below `top` are in use or holes.
    private struct Reserve {
        let start: UInt
        var top: UInt
        var writable: UInt
        let end: UInt
    }

    /// Ascending; no two touch.
    private var holes: [Hole] = []
    /// The last one grows.
    private var reserves: [Reserve] = []
    private var holeBytes = 0
    /// Addresses of holes whose pages the system has back.
    private var released = AddressRanges()

    /// Bytes of pages that the heap holds.
    var heldBytes: Int { reserves.reduce(0) { $0 + Int($1.top - $1.start) } - released.byteCount }
    /// Bytes of pages in holes.
    var waitingBytes: Int { holeBytes - released.byteCount }

    private static let page = 4096
    private static let largePage = 2 << 20
    /// Bytes of addresses, not of memory, that a reserve has at least.
    private static let reserveSize = 64 << 30

    init() {}

    /// What a request takes.
    static func size(of byteCount: Int) -> Int { (byteCount + page - 1) / page * page }

    /// - Parameter size: as ``size(of:)`` gives it.
    /// - Returns: an address that a page begins at; what lies there is anything.
    mutating func take(_ size: Int) -> UInt {
        var best: Int?
        for place in holes.indices where holes[place].size >= size {
            if best.map({ holes[place].size < holes[$0].size }) ?? true { best = place }
        }
        guard let best else { return extended(by: size) }
        let hole = holes[best]
        released.subtract(hole.start..<hole.start + UInt(size))
        holeBytes -= size
        if hole.size == size {
            holes.remove(at: best)
        } else {
            holes[best] = Hole(start: hole.start + UInt(size), size: hole.size - size)
        }
        return hole.start
    }

    /// A block at the end of the addresses in use; a hole that ends there is its beginning.
    private mutating func extended(by size: Int) -> UInt {
        if reserves.last.map({ room(behind: $0) < size }) ?? true { reserves.append(Self.reserve(size)) }
        let last = reserves.count - 1
        var start = reserves[last].top
        if let hole = holes.last, hole.end == start {
            start = hole.start
            released.subtract(hole.start..<hole.end)
            holeBytes -= hole.size
            holes.removeLast()
        }
        let top = start + UInt(size)
        if top > reserves[last].writable {
            // In whole large pages.
            let large = UInt(Self.largePage)
            let end = min((top + large - 1) / large * large, reserves[last].end)
            let added = UnsafeMutableRawPointer(bitPattern: reserves[last].writable)!
            let count = Int(end - reserves[last].writable)
            precondition(mprotect(added, count, PROT_READ | PROT_WRITE) == 0, "out of memory: \(size) bytes")
            reserves[last].writable = end
        }
        reserves[last].top = top
        return start
    }

    private func room(behind reserve: Reserve) -> Int {
        let hole = holes.last.flatMap { $0.end == reserve.top ? $0.size : nil } ?? 0
        return Int(reserve.end - reserve.top) + hole
    }

    private static func reserve(_ size: Int) -> Reserve {
        var wanted = max(reserveSize, size + largePage)
        while true {
            let start = mmap(nil, wanted, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)
            if start != MAP_FAILED, let start {
                LargePages.advise(UnsafeMutableRawBufferPointer(start: start, count: wanted))
                let large = UInt(largePage)
                let first = (UInt(bitPattern: start) + large - 1) / large * large
                return Reserve(start: first, top: first, writable: first, end: UInt(bitPattern: start) + UInt(wanted))
            }
            // A limit on addresses: as much as there is.
            precondition(wanted > size + largePage, "out of memory: \(size) bytes")
            wanted = max(wanted / 2, size + largePage)
        }
    }

    mutating func giveBack(_ start: UInt, _ size: Int) {
        var (low, high) = (0, holes.count)
        while low < high {
            let middle = (low + high) / 2
            if holes[middle].start < start { low = middle + 1 } else { high = middle }
        }
        var hole = Hole(start: start, size: size)
        holeBytes += size
        if low < holes.count, holes[low].start == hole.end { hole.size += holes.remove(at: low).size }
        if low > 0, holes[low - 1].end == start {
            holes[low - 1].size += hole.size
        } else {
            holes.insert(hole, at: low)
        }
    }

    /// Gives pages of holes back to the system, from the end of the longest pieces, until it has so many bytes more.
    ///
    /// Whole large pages alone: a split one would come back in small ones.
    mutating func release(atLeast byteCount: Int) {
        let large = UInt(Self.largePage)
        let pieces = holes.filter { $0.size >= Self.largePage }.flatMap { released.gaps(in: $0.start..<$0.end) }
        var wanted = byteCount
        for piece in pieces.sorted(by: { $0.count > $1.count }) where wanted > 0 {
            let first = (piece.lowerBound + large - 1) / large * large
            let end = piece.upperBound / large * large
            if end <= first { continue }
            let pages = min((end - first) / large, (UInt(wanted) + large - 1) / large)
            let start = end - pages * large
            madvise(UnsafeMutableRawPointer(bitPattern: start)!, Int(end - start), MADV_DONTNEED)
            released.insert(start..<end)
            wanted -= Int(end - start)
        }
    }
}
