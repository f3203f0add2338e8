/// A reference-counted block of 64-byte aligned memory, given back to the allocator when the last tensor lets go.
public final class Storage {
    public let pointer: UnsafeMutableRawPointer
    private let capacity: Int
    /// Bytes of pages that were zeroed by giving them up and have not been claimed since.
    private var surrendered = 0

    public init(byteCount: Int) {
        (pointer, capacity) = Allocator.take(byteCount)
    }

    deinit {
        Allocator.giveBack(pointer, capacity, surrendered: surrendered)
    }

    /// Overwrites bytes with zeros. Whole pages of a large block go back to the system until they are written again.
    func zero(from offset: Int, count: Int) {
        let pages = SystemPages.zero(pointer + offset, count)
        let more = min(pages, capacity - surrendered)
        surrendered += more
        Allocator.surrender(more)
    }

    /// Says that `byteCount` bytes are about to be written, which `zero` may have given up.
    public func claim(_ byteCount: Int) {
        let back = min(byteCount, surrendered)
        if back == 0 { return }
        surrendered -= back
        Allocator.claim(back)
    }
}

/// Keeps blocks alive up to this call: loops hold bare pointers, which the compiler does not count as uses.
@inline(never)
public func keepAlive(_ blocks: Storage...) {}
