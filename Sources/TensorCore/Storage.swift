import Determinism
import Glibc
import Synchronization

/// A reference-counted block of 64-byte aligned memory, given back to the allocator when the last tensor lets go.
public final class Storage {
    public let pointer: UnsafeMutableRawPointer
    private let capacity: Int

    public init(byteCount: Int) {
        (pointer, capacity) = Allocator.take(byteCount)
    }

    deinit { Allocator.giveBack(pointer, capacity) }
}

/// Keeps blocks alive up to this call: loops hold bare pointers, which the compiler does not count as uses.
@inline(never)
public func keepAlive(_ blocks: Storage...) {}

/// A caching allocator: freed blocks wait in lists by size class (eighths of powers of two) for the next step.
public enum Allocator {
    private struct State: ~Copyable {
        var free: [Int: [UInt]] = [:]
        var live = 0
        var peakLive = 0
        var cached = 0
        var highWater = 0
        var liveBlocks = 0
    }
    private static let state = Mutex(State())

    /// Bytes that live tensors hold now.
    public static var liveBytes: Int { state.withLock { $0.live } }
    /// Blocks that live tensors hold now; a training step must leave it where it was.
    public static var liveBlocks: Int { state.withLock { $0.liveBlocks } }
    /// The most bytes ever held at once, cached blocks included.
    public static var highWaterBytes: Int { state.withLock { $0.highWater } }

    /// The most bytes that tensors held at once during `body`, beyond those they held before it.
    public static func peakBytes<Failure: Error>(of body: () throws(Failure) -> Void) throws(Failure) -> Int {
        let before = state.withLock { state in
            state.peakLive = state.live
            return state.live
        }
        try body()
        return state.withLock { $0.peakLive } - before
    }

    static func sizeClass(_ byteCount: Int) -> Int {
        if byteCount <= 256 { return 256 }
        let step = 1 << max(8, Int.bitWidth - byteCount.leadingZeroBitCount - 4)
        return (byteCount + step - 1) / step * step
    }

    static func take(_ byteCount: Int) -> (UnsafeMutableRawPointer, Int) {
        let size = sizeClass(byteCount)
        let reused: UInt? = state.withLock { state in
            state.live += size
            state.peakLive = max(state.peakLive, state.live)
            state.liveBlocks += 1
            let block = state.free[size]?.popLast()
            if block != nil { state.cached -= size }
            state.highWater = max(state.highWater, state.live + state.cached)
            return block
        }
        if let reused, let pointer = UnsafeMutableRawPointer(bitPattern: reused) { return (pointer, size) }
        var raw: UnsafeMutableRawPointer?
        precondition(posix_memalign(&raw, 64, size) == 0, "out of memory: \(size) bytes")
        LargePages.advise(UnsafeMutableRawBufferPointer(start: raw, count: size))
        return (raw!, size)
    }

    static func giveBack(_ pointer: UnsafeMutableRawPointer, _ size: Int) {
        state.withLock { state in
            state.live -= size
            state.liveBlocks -= 1
            state.cached += size
            state.free[size, default: []].append(UInt(bitPattern: pointer))
        }
    }

    /// Frees every cached block.
    public static func releaseCached() {
        let blocks: [UInt] = state.withLock { state in
            let blocks = state.free.values.flatMap { $0 }
            state.free.removeAll()
            state.cached = 0
            return blocks
        }
        for block in blocks { free(UnsafeMutableRawPointer(bitPattern: block)) }
    }
}
