import Testing

@testable import Geometry

@Suite struct MaskShapeTests {
    @Test func boxArithmetic() {
        let a = Box(cocoXYWH: 1, 2, 3, 4)
        #expect(a == Box(x0: 1, y0: 2, x1: 4, y1: 6))
        #expect(a.area == 12)
        #expect(a.iou(Box(x0: 2, y0: 2, x1: 4, y1: 6)) == 8.0 / 12)
        #expect(a.iou(Box(x0: 4, y0: 2, x1: 9, y1: 6)) == 0)
        #expect(a.flipped(width: 10).flipped(width: 10) == a)
        #expect(a.clipped(to: ImageSize(height: 3, width: 2)) == Box(x0: 1, y0: 2, x1: 2, y1: 3))
        #expect(a.cocoBox == CocoBox(x: 1, y: 2, width: 3, height: 4))
    }

    @Test func wholePixelRectangleCoversItsPixels() {
        let size = ImageSize(height: 7, width: 9)
        let mask = RLEMask(box: CocoBox(x: 2, y: 1, width: 4, height: 3), size: size)
        #expect(mask.area == 12)
        #expect(mask.cocoBox == CocoBox(x: 2, y: 1, width: 4, height: 3))
        #expect(mask.isComplete)
    }

    @Test func polygonOutsideAndDegenerateOutlines() {
        let size = ImageSize(height: 5, width: 5)
        #expect(RLEMask(polygon: [-3, -3, 20, -3, 20, 20, -3, 20], size: size).area == 25)
        #expect(RLEMask(polygon: [2, 2, 2, 2, 2, 2], size: size).area == 0)
        #expect(RLEMask(polygon: [2, 2], size: size).isComplete)
        #expect(RLEMask(polygon: [50, 50, 60, 50, 60, 60], size: size).area == 0)
    }

    @Test func croppingAWholePixelBoxGivesThePixels() {
        let size = ImageSize(height: 6, width: 8)
        let pixels = (0..<48).map { UInt8(($0 * 7 / 3) % 2) }
        let mask = BinaryMask(size: size, pixels: pixels)
        let box = Box(x0: 2, y0: 1, x1: 7, y1: 5)
        let grid = ImageSize(height: 4, width: 5)
        #expect(mask.cropped(to: box, grid: grid) == mask.cropped(rows: 1..<5, columns: 2..<7))
        #expect(mask.resized(to: size) == mask)
        #expect(mask.flipped().flipped() == mask)
    }

    @Test func pastingACellGridOverItsPixelsIsIdentity() {
        let grid = ImageSize(height: 3, width: 4)
        let cells: [Float] = [1, 0, 1, 1, 0, 1, 0, 0, 1, 1, 0, 1]
        let size = ImageSize(height: 6, width: 9)
        let pasted = BinaryMask(pasting: cells, grid: grid, into: Box(x0: 2, y0: 1, x1: 6, y1: 4), size: size)
        #expect(pasted.cropped(rows: 1..<4, columns: 2..<6).pixels == cells.map { UInt8($0) })
        #expect(pasted.area == 7)
    }

    @Test func polygonAreaAndCropFollowTheBox() {
        let square = Polygon([10, 10, 20, 10, 20, 20, 10, 20])
        #expect(square.area == 100)
        let target = Polygon.mask(
            [square], within: Box(x0: 5, y0: 10, x1: 25, y1: 20), grid: ImageSize(height: 8, width: 8))
        #expect(target.area == 32)
        #expect(target[0, 2] && target[7, 5] && !target[0, 1] && !target[0, 6])
    }
}
