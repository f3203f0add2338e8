import CKernels
import Glibc
import Synchronization

/// A caching allocator. Large blocks come from a heap of its own (``BlockHeap``); freed small ones wait in lists by size class
/// (eighths of powers of two) for the next step.
///
/// Live and waiting blocks together hardly take more than live blocks did at their highest: where a new block would go
/// `slack` bytes beyond that, waiting ones are freed.
public enum Allocator {
    private struct State: ~Copyable {
        var large = BlockHeap()
        /// Bytes of large blocks when the C library last gave its free memory back.
        var trimmedAt = 0
        var free: [Int: [UInt]] = [:]
        var live = 0
        /// Since the last `peakBytes` began, and ever.
        var recentPeak = 0
        var highWater = 0
        var cached = 0
        var liveBlocks = 0

        mutating func grow(_ byteCount: Int) {
            live += byteCount
            recentPeak = max(recentPeak, live)
            highWater = max(highWater, live)
        }

        /// Gives pages between large blocks back where they are what goes beyond the limit.
        mutating func trim() {
            let excess = live + cached + large.waitingBytes - highWater - Allocator.slack
            if excess > 0 { large.release(atLeast: excess) }
        }

        /// Whether large blocks grew far since this was true.
        mutating func hasGrown() -> Bool {
            guard large.heldBytes >= trimmedAt + Allocator.growth else { return false }
            trimmedAt = large.heldBytes
            return true
        }

        /// Takes waiting blocks out of their lists until live and waiting ones fit: the smallest that is large enough, or
        /// the largest and more.
        mutating func excess() -> [(address: UInt, size: Int)] {
            var blocks: [(address: UInt, size: Int)] = []
            while cached > 0, live + cached > highWater + Allocator.slack {
                let wanted = live + cached - highWater - Allocator.slack
                let waiting = free.filter { !$0.value.isEmpty }.keys
                let size = waiting.filter { $0 >= wanted }.min() ?? waiting.max()!
                blocks.append((free[size]!.removeLast(), size))
                cached -= size
            }
            return blocks
        }
    }
    private static let state = Mutex(State())
    /// Room for small blocks that wait for their turn within a step.
    private static let slack = 8 << 20
    /// Large blocks that grow by so much make the C library give up what others freed: it keeps up to 64 MiB of that.
    private static let growth = 64 << 20
    /// Blocks from this size on are large: once they are freed, requests of any other large size can have their memory.
    public static let largeSize = 1 << 20

    /// Bytes that live tensors hold now.
    public static var liveBytes: Int { state.withLock { $0.live } }
    /// Blocks that live tensors hold now; a training step must leave it where it was.
    public static var liveBlocks: Int { state.withLock { $0.liveBlocks } }
    /// The most bytes that live tensors ever held at once.
    public static var highWaterBytes: Int { state.withLock { $0.highWater } }

    /// The most bytes that tensors held at once during `body`, beyond those they held before it.
    public static func peakBytes<Failure: Error>(of body: () throws(Failure) -> Void) throws(Failure) -> Int {
        let before = state.withLock { state in
            state.recentPeak = state.live
            return state.live
        }
        try body()
        return state.withLock { $0.recentPeak } - before
    }

    static func sizeClass(_ byteCount: Int) -> Int {
        if byteCount <= 256 { return 256 }
        let step = 1 << max(8, Int.bitWidth - byteCount.leadingZeroBitCount - 4)
        return (byteCount + step - 1) / step * step
    }

    static func take(_ byteCount: Int) -> (UnsafeMutableRawPointer, Int) {
        if byteCount >= largeSize {
            let size = BlockHeap.size(of: byteCount)
            let (start, hasGrown) = state.withLock { state in
                state.grow(size)
                state.liveBlocks += 1
                let start = state.large.take(size)
                state.trim()
                return (start, state.hasGrown())
            }
            if hasGrown { dmt_trim_heap() }
            return (UnsafeMutableRawPointer(bitPattern: start)!, size)
        }
        let size = sizeClass(byteCount)
        let (reused, excess): (UInt?, [(address: UInt, size: Int)]) = state.withLock { state in
            state.grow(size)
            state.liveBlocks += 1
            if let block = state.free[size]?.popLast() {
                state.cached -= size
                return (block, [])
            }
            return (nil, state.excess())
        }
        if let reused, let pointer = UnsafeMutableRawPointer(bitPattern: reused) { return (pointer, size) }
        release(excess)
        var raw: UnsafeMutableRawPointer?
        precondition(posix_memalign(&raw, 64, size) == 0, "out of memory: \(size) bytes")
        return (raw!, size)
    }

    static func giveBack(_ pointer: UnsafeMutableRawPointer, _ size: Int) {
        state.withLock { state in
            state.live -= size
            state.liveBlocks -= 1
            if size >= largeSize {
                state.large.giveBack(UInt(bitPattern: pointer), size)
                return
            }
            state.cached += size
            state.free[size, default: []].append(UInt(bitPattern: pointer))
        }
    }

    /// Frees every cached block, and the pages of large blocks that nobody holds.
    public static func releaseCached() {
        release(
            state.withLock { state in
                state.large.release(atLeast: .max)
                let blocks = state.free.flatMap { size, blocks in blocks.map { (address: $0, size: size) } }
                state.free.removeAll()
                state.cached = 0
                return blocks
            })
    }

    private static func release(_ blocks: [(address: UInt, size: Int)]) {
        for block in blocks { free(UnsafeMutableRawPointer(bitPattern: block.address)) }
    }
}
