import Determinism
import Geometry
import ImageFiles
import Testing

@testable import DenseData

@Suite struct ResizeTwinTests {
    /// Every byte equals the plain version's: all small shapes, then random ones up and down, one pixel sides included.
    @Test(arguments: Resize.Filter.allCases) func resizingEqualsItsTwin(filter: Resize.Filter) {
        var stream = RandomStream(seed: 11, purpose: "resize twin")
        for height in 1...5 {
            for width in 1...5 {
                let source = Drawn.picture(height, width, seed: UInt64(height * 10 + width))
                for size in [(1, 1), (1, 7), (6, 1), (3, 4), (17, 33)] { expectTwin(source, size, filter) }
            }
        }
        for round in 0..<60 {
            func side() -> Int { stream.chance(0.1) ? 1 : 1 + stream.int(below: stream.chance(0.3) ? 160 : 50) }
            let source = Drawn.picture(side(), side(), seed: UInt64(1000 + round))
            expectTwin(source, (side(), side()), filter)
        }
    }

    private func expectTwin(_ source: Picture, _ size: (height: Int, width: Int), _ filter: Resize.Filter) {
        let fast = Resize.picture(source, to: size, filter)
        let plain = NaiveResize.picture(source, to: size, filter)
        let what = "\(source.height)x\(source.width) to \(size)"
        #expect((fast.height, fast.width) == (plain.height, plain.width), "\(what)")
        let wrong = zip(fast.pixels, plain.pixels).enumerated().first { $1.0 != $1.1 }
        #expect(wrong == nil, "\(what): sample \(wrong.map { "\($0)" } ?? "")")
    }

    /// A framing in one go equals cutting, resizing, cutting, mirroring and padding one after the other; and from a JPEG
    /// file, of which it decodes a part, it equals the same from the whole picture.
    @Test(arguments: Resize.Filter.allCases) func framingEqualsItsTwin(filter: Resize.Filter) throws {
        var stream = RandomStream(seed: 12, purpose: "framing twin")
        for round in 0..<40 {
            let size = ImageSize(height: 1 + stream.int(below: 90), width: 1 + stream.int(below: 90))
            let bytes = JPEGFile.encode(
                Drawn.picture(size.height, size.width, seed: UInt64(round)), quality: 80,
                sampling: stream.chance(0.5) ? .full : .halved)
            let picture = try JPEGFile.decode(bytes, file: "drawn")
            let framing = FramingTests.random(size, &stream)
            let plain = framing.naivePicture(picture, filter: filter, fill: (1, 2, 3))
            #expect(framing.picture(picture, filter: filter, fill: (1, 2, 3)) == plain, "\(framing)")
            let part = framing.window(filter).cut(picture)
            #expect(
                framing.picture(ofWindow: part, filter: filter, fill: (1, 2, 3)) == plain, "\(framing) from its window")
            let file = try EncodedPicture(bytes, file: "drawn")
            #expect(try framing.picture(of: file, filter: filter, fill: (1, 2, 3)) == plain, "\(framing) from the file")
        }
    }

    @Test func normalisingEqualsItsFormula() {
        var picture = Picture(height: 16, width: 16)
        for n in picture.pixels.indices { picture.pixels[n] = UInt8(n / 3) }
        let own = Normalisation(mean: [0.1, 0.456, 0.9], deviation: [0.3, 0.224, 2])
        for normalisation in [Normalisation.imageNet, own] {
            let values = normalisation.batch([picture]).floats()
            for (n, value) in values.enumerated() {
                let expected = (Float(n / 3) / 255 - normalisation.mean[n % 3]) / normalisation.deviation[n % 3]
                #expect(value == expected, "sample \(n)")
            }
        }
    }
}
