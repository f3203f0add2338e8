import Determinism
import Foundation
import Testing

@testable import TensorCore

/// The allocator's counters belong to the whole process: each claim runs in a process of its own.
@Suite(.serialized) struct AllocatorTests {
    @Test func blocksOfOneSizeClassAreReused() async {
        await #expect(processExitsWith: .success) {
            var addresses: Set<UInt> = []
            for count in [1000, 1001, 1023] {
                let tensor = Tensor.zeros([count])
                addresses.insert(UInt(bitPattern: tensor.raw))
                #expect(Allocator.liveBlocks == 1)
            }
            #expect(addresses.count == 1 && Allocator.liveBlocks == 0 && Allocator.liveBytes == 0)
            #expect(Allocator.highWaterBytes == 4096)
        }
    }

    @Test func viewsKeepABlockAliveAndTheLastOneLetsGo() async {
        await #expect(processExitsWith: .success) {
            var base: Tensor? = Tensor.full([10, 10], 3)
            var view: Tensor? = base!.rows(2..<4).reshaped([20])
            base = nil
            #expect(Allocator.liveBlocks == 1 && view!.floats().allSatisfy { $0 == 3 })
            view = nil
            #expect(Allocator.liveBlocks == 0)
        }
    }

    @Test func releasingTheCacheGivesBackOnlyFreeBlocks() async {
        await #expect(processExitsWith: .success) {
            let kept = Tensor.full([5000], 7)
            do { _ = Tensor.zeros([9000]) }
            Allocator.releaseCached()
            #expect(kept.floats().allSatisfy { $0 == 7 } && Allocator.liveBlocks == 1)
            #expect(Tensor.full([9000], 1).floats().allSatisfy { $0 == 1 })
        }
    }

    /// Blocks of other sizes make room: what waits adds little to what was held at the highest.
    @Test func waitingBlocksMakeRoom() async {
        await #expect(processExitsWith: .success) {
            func resident() -> Int {
                let pages = try! String(contentsOfFile: "/proc/self/statm", encoding: .utf8).split(separator: " ")[1]
                return Int(pages)! * Int(getpagesize())
            }
            do { _ = Tensor.zeros([24 << 20]) }
            let (before, highest) = (resident(), Allocator.highWaterBytes)
            for part in 1...8 { _ = Tensor.zeros([(12 << 20) + (part << 20)]) }
            #expect(Allocator.highWaterBytes == highest && resident() < before + (12 << 20))
        }
    }

    /// Many requests and returns in any order: no two live blocks share a byte, and in the end all is one hole again.
    @Test func aHeapsBlocksNeverOverlapAndItsHolesJoin() {
        var heap = BlockHeap()
        var stream = RandomStream(seed: 5, purpose: "heap")
        var live: [(start: UInt, size: Int)] = []
        var lowest = UInt.max
        for _ in 0..<4000 {
            if live.count < 40 || stream.chance(0.5) {
                let size = BlockHeap.size(of: 1 + stream.int(below: 300_000))
                live.append((heap.take(size), size))
                lowest = min(lowest, live[live.count - 1].start)
            } else {
                let block = live.remove(at: stream.int(below: live.count))
                heap.giveBack(block.start, block.size)
            }
            let sorted = live.sorted { $0.start < $1.start }
            for (block, next) in zip(sorted, sorted.dropFirst()) {
                #expect(block.start + UInt(block.size) <= next.start)
            }
        }
        for block in live { heap.giveBack(block.start, block.size) }
        #expect(heap.take(BlockHeap.size(of: 64 << 20)) == lowest)
    }

    /// Pages that the system has back are counted until they are used again, whatever joins or splits their hole.
    @Test func releasedPagesAreCountedWhereTheyLie() {
        var heap = BlockHeap()
        let large = 2 << 20
        let blocks = (0..<3).map { _ in heap.take(4 * large) }
        heap.giveBack(blocks[0], 4 * large)
        heap.release(atLeast: 3 * large)
        #expect(heap.waitingBytes == large && heap.heldBytes == 9 * large)
        // The released pages lie in the middle of the joined hole: a request takes the first, which was held, and two more.
        heap.giveBack(blocks[1], 4 * large)
        #expect(heap.waitingBytes == 5 * large)
        #expect(heap.take(3 * large) == blocks[0] && heap.waitingBytes == 4 * large && heap.heldBytes == 11 * large)
        heap.release(atLeast: .max)
        #expect(heap.waitingBytes == 0 && heap.heldBytes == 7 * large)
        // Nothing is left to give.
        heap.release(atLeast: .max)
        #expect(heap.take(5 * large) == blocks[0] + UInt(3 * large) && heap.heldBytes == 12 * large)
    }

    /// Against a set of single addresses.
    @Test func rangesOfAddressesKeepCount() {
        var (ranges, addresses) = (AddressRanges(), Set<UInt>())
        var stream = RandomStream(seed: 9, purpose: "ranges")
        for _ in 0..<2000 {
            let start = UInt(stream.int(below: 60))
            let range = start..<start + UInt(1 + stream.int(below: 9))
            if stream.chance(0.5), addresses.isDisjoint(with: range) {
                ranges.insert(range)
                addresses.formUnion(range)
            } else {
                ranges.subtract(range)
                addresses.subtract(range)
            }
            let gaps = ranges.gaps(in: 10..<50)
            #expect(ranges.byteCount == addresses.count)
            #expect(gaps.flatMap { Array($0) } == (10..<50).filter { !addresses.contains($0) })
            #expect(zip(gaps, gaps.dropFirst()).allSatisfy { $0.upperBound < $1.lowerBound })
        }
    }

    @Test func theSmallestHoleThatHoldsARequestIsTaken() {
        var heap = BlockHeap()
        let sizes = [5, 1, 3, 1, 4, 1].map { $0 * 4096 }
        let blocks = sizes.map { heap.take($0) }
        for place in [0, 2, 4] { heap.giveBack(blocks[place], sizes[place]) }
        #expect(heap.take(3 * 4096) == blocks[2])
        #expect(heap.take(2 * 4096) == blocks[4])
        // What is left of a hole stays one.
        #expect(heap.take(2 * 4096) == blocks[4] + 2 * 4096)
        #expect(heap.take(6 * 4096) == blocks[5] + 4096)
    }

    /// A class wastes at most an eighth, holds the request, and larger requests never get smaller blocks.
    @Test func sizeClassesHoldTheirRequests() {
        var previous = 0
        var sizes = Array(1..<5000)
        for power in 13..<40 {
            let round: Int = 1 << power
            sizes += [round - 1, round, round + 1, 3 * round + 5]
        }
        for size in sizes {
            let given = Allocator.sizeClass(size)
            let most = 1.125 * Double(size) + 256
            #expect(given >= size && Double(given) <= most, "\(size) bytes in \(given)")
            if size < 5000 {
                #expect(given >= previous)
                previous = given
            }
        }
    }

    @Test func addressesAreAlignedToCacheLines() {
        for count in [1, 7, 100, 12345] { #expect(UInt(bitPattern: Tensor.zeros([count]).raw) % 64 == 0) }
    }
}
