#if canImport(Glibc)
    import Glibc
#endif

/// Large pages for big arrays: where the system leaves the choice to programs, one page fault then stands for hundreds.
///
/// Advice only: contents and results are the same without it.
public enum LargePages {
    private static let pageBytes = 2 << 20

    /// Advises on the whole pages inside `memory`, which should not have been written to yet.
    public static func advise(_ memory: UnsafeMutableRawBufferPointer) {
        #if os(Linux)
            guard memory.count >= 2 * pageBytes, let base = memory.baseAddress else { return }
            let start = base.alignedUp(toMultipleOf: 4096)
            let end = (base + memory.count).alignedDown(toMultipleOf: 4096)
            madvise(start, end - start, MADV_HUGEPAGE)
        #endif
    }
}

extension Array {
    /// Reserves room like `reserveCapacity`, in large pages where there is much of it.
    public mutating func reserveLarge(_ minimumCapacity: Int) {
        guard capacity < minimumCapacity else { return }
        reserveCapacity(minimumCapacity)
        let (used, room) = (count, capacity)
        withUnsafeMutableBufferPointer { elements in
            guard let base = elements.baseAddress else { return }
            LargePages.advise(
                UnsafeMutableRawBufferPointer(
                    start: base + used, count: (room - used) * MemoryLayout<Element>.stride))
        }
    }

    /// `count` times the same value, in large pages where there are many.
    public static func large(repeating value: Element, count: Int) -> [Element] {
        var array: [Element] = []
        array.reserveLarge(count)
        array.append(contentsOf: repeatElement(value, count: count))
        return array
    }
}
