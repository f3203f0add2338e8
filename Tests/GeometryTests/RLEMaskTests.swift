import Determinism
import Testing

@testable import Geometry

@Suite struct RLEMaskTests {
    private func drawn(_ key: UInt64, height: Int, width: Int) -> BinaryMask {
        var stream = RandomStream(seed: 3, purpose: "rle test", key)
        let density = stream.uniform()
        let pixels = (0..<height * width).map { _ in stream.chance(density) ? UInt8(1) : 0 }
        return BinaryMask(size: ImageSize(height: height, width: width), pixels: pixels)
    }

    @Test func encodeDecodeAndStringRoundTrip() {
        for key in 0..<60 as Range<UInt64> {
            let mask = drawn(key, height: 1 + Int(key) % 11, width: 1 + Int(key) % 7)
            let rle = mask.rle
            #expect(rle.bitmap == mask)
            #expect(rle.isComplete)
            #expect(rle.area == mask.area)
            let back = RLEMask.decode(cocoString: rle.cocoString, size: mask.size)
            #expect(back.isWellFormed && back.mask == rle)
        }
    }

    @Test func overlapAndMergeEqualBitmaps() throws {
        for key in 0..<60 as Range<UInt64> {
            let a = drawn(2 * key, height: 9, width: 6)
            let b = drawn(2 * key + 1, height: 9, width: 6)
            let both = zip(a.pixels, b.pixels).map { $0 & $1 }
            let either = zip(a.pixels, b.pixels).map { $0 | $1 }
            let counts = try a.rle.overlap(with: b.rle)
            #expect(counts.both == UInt32(both.reduce(0) { $0 + Int($1) }))
            #expect(counts.either == UInt32(either.reduce(0) { $0 + Int($1) }))
            #expect(try RLEMask.merged([a.rle, b.rle]).bitmap.pixels == either)
            #expect(try RLEMask.merged([a.rle, b.rle], intersecting: true).bitmap.pixels == both)
        }
    }

    @Test func unequalTotalsEndWithAnError() {
        let size = ImageSize(height: 2, width: 2)
        let long = RLEMask(size: size, runs: [0, 9])
        let good = RLEMask(size: size, runs: [1, 3])
        #expect(throws: RLEMask.OverlapError.totalsDiffer) { try long.overlap(with: good) }
        #expect(throws: RLEMask.OverlapError.totalsDiffer) { try good.overlap(with: long) }
        #expect(throws: RLEMask.OverlapError.totalsDiffer) { try RLEMask.merged([good, long]) }
        #expect(!long.isComplete)
    }

    @Test func boxesOfDegenerateRunsAreTheReferences() {
        let size = ImageSize(height: 4, width: 5)
        #expect(RLEMask(size: size, runs: [20]).cocoBox == CocoBox(x: 0, y: 0, width: 0, height: 0))
        let wrapped = RLEMask(size: size, runs: [3, 0]).cocoBox
        #expect(wrapped == CocoBox(x: 5, y: 4, width: 4_294_967_292, height: 4_294_967_293))
        #expect(RLEMask(size: size, runs: [5, 2, 13]).cocoBox == CocoBox(x: 1, y: 1, width: 1, height: 2))
        #expect(RLEMask(size: size, runs: [3, 2, 15]).cocoBox == CocoBox(x: 0, y: 0, width: 2, height: 4))
    }

    @Test func badStringsEnd() {
        let size = ImageSize(height: 4, width: 5)
        for text in ["", "P", "oooooooooooo", "\u{1}\u{2}zzz", "~~~~", "PPPP"] {
            let read = RLEMask.decode(cocoString: text, size: size)
            if text == "P" || text == "oooooooooooo" { #expect(!read.isWellFormed) }
            #expect(read.mask.runs.count <= text.utf8.count)
        }
    }
}
