/// A reference-counted block of 64-byte aligned memory, given back to the allocator when the last tensor lets go.
public final class Storage {
    public let pointer: UnsafeMutableRawPointer
    private let capacity: Int

    public init(byteCount: Int) {
        (pointer, capacity) = Allocator.take(byteCount)
    }

    deinit {
        Allocator.giveBack(pointer, capacity)
    }
}

/// Keeps blocks alive up to this call: loops hold bare pointers, which the compiler does not count as uses.
@inline(never)
public func keepAlive(_ blocks: Storage...) {}
