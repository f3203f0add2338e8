import Determinism
import ImageFiles
import Testing

@testable import DenseData

/// Against timm's operations on Pillow, see `Fixtures/augment/make_augment.py`.
struct RandAugmentTests {
    private typealias Case = (
        change: RandAugment.Change, level: Double, isNegated: Bool, filter: AffineTransform.Filter
    )

    private static let cases: [Case] = {
        var cases: [Case] = []
        for change in [RandAugment.Change.autoContrast, .equalize, .invert, .posterize, .solarize, .solarizeAdd] {
            for level in [4.0, 9] { cases.append((change, level, false, .bilinear)) }
        }
        for change in [RandAugment.Change.colour, .contrast, .brightness, .sharpness] {
            for level in [4.0, 9] {
                for isNegated in [false, true] { cases.append((change, level, isNegated, .bilinear)) }
            }
        }
        for change in [RandAugment.Change.rotate, .shearX, .shearY, .translateX, .translateY] {
            for level in [3.7, 9] {
                for isNegated in [false, true] {
                    for filter in [AffineTransform.Filter.bilinear, .bicubic] {
                        cases.append((change, level, isNegated, filter))
                    }
                }
            }
        }
        return cases
    }()

    @Test func everyChangeIsTimms() throws {
        let folder = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(2).joined(
            separator: "/")
        let sheet = try PictureFile.load(folder + "/Fixtures/augment/changes.png")
        let (height, plane) = (24, 24 * sheet.width * 3)
        #expect(sheet.height == height * (1 + Self.cases.count))
        func tile(_ index: Int) -> Picture {
            Picture(
                height: height, width: sheet.width, pixels: Array(sheet.pixels[index * plane..<(index + 1) * plane]))
        }
        for (index, item) in Self.cases.enumerated() {
            var picture = tile(0)
            RandAugment.apply(
                item.change, level: item.level, isNegated: item.isNegated, filter: item.filter, to: &picture)
            let expected = tile(index + 1)
            let gaps = zip(picture.pixels, expected.pixels).map { abs(Int($0) - Int($1)) }
            let (count, largest) = (gaps.count { $0 > 0 }, gaps.max() ?? 0)
            #expect(count == 0, "\(item): \(count) samples, at most \(largest) apart")
        }
    }

    @Test func drawsFollowTheStream() {
        let original = Picture(height: 8, width: 8, pixels: (0..<192).map { UInt8($0) })
        func drawn(_ seed: UInt64) -> Picture {
            var picture = original
            var stream = RandomStream(seed: seed, purpose: "test")
            RandAugment().apply(to: &picture, &stream)
            return picture
        }
        #expect(drawn(1) == drawn(1))
        let changed = (0..<40).filter { drawn($0) != original }.count
        // Two layers of probability 1/2 each: three in four, but for changes that do nothing to this picture.
        #expect((15...39).contains(changed))
    }

    @Test func erasingIsARectangleOfNoise() {
        var erased = 0
        for seed in 0..<200 as Range<UInt64> {
            var samples = [Float](repeating: 9, count: 16 * 12 * 3)
            var stream = RandomStream(seed: seed, purpose: "test")
            samples.withUnsafeMutableBufferPointer {
                RandomErasing(probability: 0.25).apply(to: $0.baseAddress!, height: 16, width: 12, &stream)
            }
            let touched = (0..<16 * 12).filter { samples[$0 * 3] != 9 }
            if touched.isEmpty { continue }
            erased += 1
            let (rows, columns) = (touched.map { $0 / 12 }, touched.map { $0 % 12 })
            let area = (rows.max()! - rows.min()! + 1) * (columns.max()! - columns.min()! + 1)
            #expect(area == touched.count && Double(area) < 0.45 * 16 * 12)
        }
        #expect((25...75).contains(erased))
    }
}
