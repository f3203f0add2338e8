import Determinism
import Testing

@testable import Geometry

/// Masks kept as borders against `RLEMask`, whose arithmetic is the reference's own, step by step.
@Suite struct MaskRoomTests {
    private struct Draw {
        var random: RandomStream
        mutating func below(_ count: Int) -> Int { Int(random.next() % UInt64(count)) }

        /// Run lengths of a picture; with `isOdd`, with empty runs, wrong totals and huge ones.
        mutating func mask(_ size: ImageSize, isOdd: Bool) -> RLEMask {
            var left = size.pixelCount
            var runs: [UInt32] = []
            while left > 0 {
                let run = min(left, runs.isEmpty ? below(40) : (isOdd ? 0 : 1) + below(40))
                runs.append(UInt32(run))
                left -= run
            }
            if isOdd {
                switch below(6) {
                case 0: runs = runs.dropLast(below(3))
                case 1: runs.append(UInt32(below(100)))
                case 2: runs.insert(UInt32.max - UInt32(below(5)), at: below(runs.count + 1))
                case 3: runs = [UInt32(below(3))]
                default: break
                }
            }
            return RLEMask(size: size, runs: runs)
        }
    }

    @Test func everyAnswerIsThatOfTheMask() throws {
        var compared = 0
        for seed in 0..<4000 {
            var draw = Draw(random: RandomStream(seed: 5, purpose: "mask room", UInt64(seed)))
            let isOdd = seed % 3 == 0
            let size = ImageSize(height: draw.below(30), width: draw.below(30))
            let other = seed % 50 == 1 ? ImageSize(height: size.width, width: size.height) : size
            let masks = [draw.mask(size, isOdd: isOdd), draw.mask(other, isOdd: isOdd)]
            var room = MaskRoom()
            var second = MaskRoom()
            room.append(masks[1])
            room.append(masks[0])
            second.append(masks[1])
            for (index, mask) in [masks[1], masks[0]].enumerated() {
                #expect(room.mask(index) == mask && room.size(index) == mask.size)
                #expect(room.area(index) == mask.area && room.isComplete(index) == mask.isComplete)
                #expect(room.cocoBox(index) == mask.cocoBox, "\(mask)")
            }
            for isCrowd in [false, true] {
                let expected = Result { () throws(RLEMask.OverlapError) in
                    try masks[0].iou(truth: masks[1], isCrowd: isCrowd)
                }
                let found = Result { () throws(RLEMask.OverlapError) in
                    try room.iou(1, truth: second, 0, isCrowd: isCrowd)
                }
                #expect(found == expected, "\(masks)")
                if case .success(let value) = found, value > 0 { compared += 1 }
            }
        }
        #expect(compared > 4000, "\(compared)")
    }

    @Test func stringsAreReadAsTheReferenceReadsThem() {
        for seed in 0..<20_000 {
            var draw = Draw(random: RandomStream(seed: 6, purpose: "mask strings", UInt64(seed)))
            let size = ImageSize(height: 20, width: 30)
            var text: [UInt8]
            if seed % 2 == 0 {
                text = Array(draw.mask(size, isOdd: seed % 4 == 0).cocoString.utf8)
                if seed % 3 == 0, !text.isEmpty { text[draw.below(text.count)] = UInt8(draw.below(256)) }
            } else {
                text = (0..<draw.below(24)).map { _ in UInt8(48 + draw.below(64)) }
            }
            text.withUnsafeBufferPointer { text in
                var room = MaskRoom()
                room.append(cocoString: text, size: size)
                #expect(room.mask(0) == RLEMask.decode(cocoString: text, size: size).mask, "\(Array(text))")
            }
        }
    }

    @Test func memoryIsUsedAgain() {
        var room = MaskRoom()
        let masks = (1..<40).map {
            RLEMask(size: ImageSize(height: 4, width: 10), runs: [UInt32($0), 1, UInt32(39 - $0)])
        }
        for _ in 0..<3 {
            for mask in masks { room.append(mask) }
            #expect(room.count == masks.count && masks.indices.allSatisfy { room.mask($0) == masks[$0] })
            room.removeAll()
            #expect(room.count == 0)
        }
    }
}
