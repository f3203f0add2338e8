import DenseData
import Determinism
import Geometry
import Testing

struct MultiScaleViewTests {
    private func framings(_ view: MultiScaleView, _ picture: ImageSize, count: Int = 400) -> [Framing] {
        (0..<count).map { index in
            var stream = RandomStream(seed: 5, purpose: "multi-scale", UInt64(index))
            return view.framing(of: picture, &stream)
        }
    }

    @Test func withoutCropEverySideIsOneOfTheList() {
        let view = MultiScaleView(shortSides: [480, 640, 800], longSide: 1333, crop: nil, size: 1344)
        let found = framings(view, ImageSize(height: 480, width: 640))
        #expect(Set(found.map(\.resized.height)) == [480, 640, 800])
        #expect(Set(found.map(\.resized.width)) == [640, 853, 1067])
        #expect(found.allSatisfy { $0.source.height == 480 && $0.source.width == 640 })
        let mirrored = found.count { $0.isMirrored }
        #expect((150...250).contains(mirrored))
    }

    /// A panorama: the long side bounds it.
    @Test func theLongSideIsKept() {
        let view = MultiScaleView(shortSides: [800], longSide: 1333, crop: nil, size: 1344)
        let found = framings(view, ImageSize(height: 300, width: 1200), count: 3)
        #expect(found.allSatisfy { $0.resized.width == 1333 && $0.resized.height == 333 })
    }

    /// The crop is 384 to 600 pixels at a short side of 400, 500 or 600, every other time; then any of the short sides.
    @Test func cropsLieInThePictureAndHaveTheDrawnSize() {
        let view = MultiScaleView(shortSides: [480, 800], longSide: 1333, size: 1344)
        let picture = ImageSize(height: 480, width: 640)
        let found = framings(view, picture)
        let crops = found.filter { $0.source.height < 480 || $0.source.width < 640 }
        #expect((140...240).contains(crops.count))
        for framing in found {
            let source = framing.source
            #expect(source.top >= 0 && source.left >= 0)
            #expect(source.top + source.height <= 480 && source.left + source.width <= 640)
            let scales = [400.0, 500, 600].map { $0 / 480 }
            let fits = scales.contains { scale in
                let height = Double(source.height) * scale
                let limit = min(384, 480 * scale) - scale
                return height >= limit && height <= 600 + scale
            }
            #expect(fits, "\(source)")
            let (short, long) = (
                min(framing.resized.height, framing.resized.width), max(framing.resized.height, framing.resized.width)
            )
            #expect([480, 800].contains(short) || long == 1333)
        }
    }

    /// A picture smaller than the smallest crop is taken whole.
    @Test func aThinPictureIsCutInItsLengthAlone() {
        let view = MultiScaleView(shortSides: [64], longSide: 1333, size: 1344)
        for framing in framings(view, ImageSize(height: 10, width: 200), count: 50) {
            #expect(framing.source.height >= 1 && framing.source.width >= 1)
            #expect(framing.resized.width <= 1333)
        }
    }
}
