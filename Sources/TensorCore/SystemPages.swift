import Glibc

/// Memory that is handed back to the operating system while its block lives on.
enum SystemPages {
    /// Overwrites a part of a block with zeros: whole pages of a large one are given up and read as zeros from then on.
    ///
    /// - Returns: the bytes that were given up.
    static func zero(_ start: UnsafeMutableRawPointer, _ count: Int) -> Int {
        let page = Int(getpagesize())
        let first = (Int(bitPattern: start) + page - 1) / page * page - Int(bitPattern: start)
        let whole = (count - first) / page * page
        if count < Allocator.largeSize || whole <= 0 || madvise(start + first, whole, MADV_DONTNEED) != 0 {
            memset(start, 0, count)
            return 0
        }
        memset(start, 0, first)
        memset(start + first + whole, 0, count - first - whole)
        return whole
    }
}
