import Determinism
import Glibc

/// Memory of the operating system: large blocks are mappings of their own, so that freeing one returns its pages at once.
enum SystemBlock {
    /// Blocks from this size on are mappings.
    private static let mappingSize = 1 << 20

    static func take(_ size: Int) -> UnsafeMutableRawPointer {
        if size >= mappingSize {
            let block = mapped(size)
            LargePages.advise(UnsafeMutableRawBufferPointer(start: block, count: size))
            return block
        }
        var raw: UnsafeMutableRawPointer?
        precondition(posix_memalign(&raw, 64, size) == 0, "out of memory: \(size) bytes")
        return raw!
    }

    /// A mapping that begins where a large page can.
    private static func mapped(_ size: Int) -> UnsafeMutableRawPointer {
        let (page, large) = (Int(getpagesize()), 2 << 20)
        let whole = (size + page - 1) / page * page
        let start = mmap(nil, whole + large, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
        precondition(start != MAP_FAILED, "out of memory: \(size) bytes")
        let skipped = (large - Int(bitPattern: start) % large) % large
        if skipped > 0 { munmap(start!, skipped) }
        munmap(start! + skipped + whole, large - skipped)
        return start! + skipped
    }

    static func giveBack(_ block: UnsafeMutableRawPointer, _ size: Int) {
        if size >= mappingSize { munmap(block, size) } else { free(block) }
    }

    /// Overwrites a part of a block with zeros: whole pages of a large one are given up and read as zeros from then on.
    ///
    /// - Returns: the bytes that were given up.
    static func zero(_ start: UnsafeMutableRawPointer, _ count: Int) -> Int {
        let page = Int(getpagesize())
        let first = (Int(bitPattern: start) + page - 1) / page * page - Int(bitPattern: start)
        let whole = (count - first) / page * page
        if count < mappingSize || whole <= 0 || madvise(start + first, whole, MADV_DONTNEED) != 0 {
            memset(start, 0, count)
            return 0
        }
        memset(start, 0, first)
        memset(start + first + whole, 0, count - first - whole)
        return whole
    }
}
