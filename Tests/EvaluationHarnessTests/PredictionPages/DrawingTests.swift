import Geometry
import ImageFiles
import Testing

@testable import EvaluationHarness

@Suite struct DrawingTests {
    private func grey(_ side: Int = 16) -> Picture { Picture(height: side, width: side, filledWith: (90, 90, 90)) }

    private func pixel(_ picture: Picture, _ y: Int, _ x: Int) -> [UInt8] {
        let at = 3 * (y * picture.width + x)
        return Array(picture.pixels[at..<at + 3])
    }

    @Test func everyLetterHasAShapeOfItsOwn() {
        let all = String(String.UnicodeScalarView((32...126).map { Unicode.Scalar($0)! }))
        let glyphs = BitmapFont.glyphs(all)
        #expect(glyphs.count == 95 && glyphs.allSatisfy { $0.count == BitmapFont.height && $0.allSatisfy { $0 < 32 } })
        #expect(Set(glyphs).count == 95)
        #expect(BitmapFont.glyphs("A")[0] == [0b01110, 0b10001, 0b10001, 0b11111, 0b10001, 0b10001, 0b10001])
        // Marks are dropped; what the font lacks is a box.
        #expect(BitmapFont.glyphs("é") == BitmapFont.glyphs("e"))
        #expect(BitmapFont.glyphs("汉\u{202E}\n").allSatisfy { $0 == [31, 17, 17, 17, 17, 17, 31] })
    }

    @Test func framesLieInsideTheirBox() {
        var picture = grey()
        picture.frame(Box(x0: 2, y0: 3, x1: 10, y1: 9), (255, 0, 0))
        for (y, x) in [(3, 2), (3, 9), (8, 2), (8, 9), (5, 2), (3, 5)] { #expect(pixel(picture, y, x) == [255, 0, 0]) }
        for (y, x) in [(2, 2), (9, 9), (3, 10), (5, 5)] { #expect(pixel(picture, y, x) == [90, 90, 90]) }
    }

    /// Boxes of foreign files: far away, inside out, not numbers.
    @Test(arguments: [
        Box(x0: -1e300, y0: -1e300, x1: 1e300, y1: 1e300), Box(x0: .nan, y0: .nan, x1: .nan, y1: .nan),
        Box(x0: .infinity, y0: 0, x1: -.infinity, y1: 5), Box(x0: 40, y0: 40, x1: 50, y1: 50),
        Box(x0: 9, y0: 9, x1: 2, y1: 2), Box(x0: 3, y0: 3, x1: 3, y1: 3),
    ])
    func strangeBoxesDoNoHarm(_ box: Box) {
        var picture = grey()
        let mark = OverlayMark(box: box, mask: nil, colour: (1, 2, 3), label: "strange", isDashed: true, thickness: 3)
        Overlay.draw([mark], original: ImageSize(height: 32, width: 32), on: &picture, scale: 2)
        #expect(picture.pixels.count == 16 * 16 * 3)
    }

    @Test func masksAreOutlinedAndTinted() {
        let size = ImageSize(height: 16, width: 16)
        var bitmap = BinaryMask(size: size, pixels: [UInt8](repeating: 0, count: 256))
        for y in 4..<10 { for x in 4..<10 { bitmap.pixels[y * 16 + x] = 1 } }
        var picture = grey()
        let mark = OverlayMark(box: nil, mask: bitmap.rle, colour: (250, 90, 90))
        Overlay.draw([mark], original: size, on: &picture)
        #expect(pixel(picture, 4, 4) == [250, 90, 90] && pixel(picture, 9, 6) == [250, 90, 90])
        #expect(pixel(picture, 6, 6) == [146, 90, 90], "35 % of the way from 90 to 250")
        #expect(pixel(picture, 3, 4) == [90, 90, 90])
        // At twice the size the mask covers twice the pixels.
        var large = grey(32)
        Overlay.draw([mark], original: size, on: &large)
        #expect(pixel(large, 8, 8) == [250, 90, 90] && pixel(large, 7, 8) == [90, 90, 90])
        #expect(pixel(large, 19, 19) == [250, 90, 90] && pixel(large, 20, 20) == [90, 90, 90])
    }

    @Test func masksOfAnotherSizeAreLeftOut() {
        var picture = grey()
        let size = ImageSize(height: 8, width: 8)
        let marks = [
            RLEMask(size: size, runs: [0, 64]), RLEMask(size: ImageSize(height: 16, width: 16), runs: [0, 7]),
        ].map { OverlayMark(box: nil, mask: $0, colour: (255, 0, 0)) }
        Overlay.draw(marks, original: ImageSize(height: 16, width: 16), on: &picture)
        #expect(picture == grey())
    }

    @Test func picturesAreShownNearTheWantedSize() {
        #expect(ImageSize(height: 64, width: 48).shown(longSide: 480) == ImageSize(height: 448, width: 336))
        #expect(ImageSize(height: 600, width: 1200).shown(longSide: 480) == ImageSize(height: 240, width: 480))
        #expect(ImageSize(height: 1, width: 100_000).shown(longSide: 480) == ImageSize(height: 1, width: 480))
        #expect(ImageSize(height: 480, width: 480).shown(longSide: 480) == ImageSize(height: 480, width: 480))
    }

    @Test func galleriesChooseByScoreThenName() {
        let scores: [(name: String, score: Double?)] = [
            ("c", 0.5), ("b", 0.5), ("a", nil), ("e", 0.1), ("d", 0.9), ("f", 0.9),
        ]
        var options = GalleryOptions(worst: 3, best: 2)
        #expect(options.choice(scores).worst == [3, 1, 0] && options.choice(scores).best == [4, 5])
        options = GalleryOptions(worst: 9, best: 9)
        #expect(options.choice(scores).worst.count == 5 && options.choice(scores).best.isEmpty)
    }
}
