import CImageCodecs
import Determinism
import Foundation
import ImageFiles
import SafeFiles
import Testing

/// The decoder of this package for plain files against libjpeg: the same bytes, also of a window, or no answer at all.
@Suite struct JPEGFastPathTests {
    /// libjpeg alone.
    private func plain(_ bytes: [UInt8]) -> (status: Int, pixels: [UInt8]) {
        var header = dmt_image_header()
        var report = dmt_image_report()
        guard dmt_jpeg_header(bytes, bytes.count, 1 << 24, &header, &report) == DMT_IMAGE_OK else { return (1, []) }
        var pixels = [UInt8](repeating: 0, count: Int(header.height * header.width) * 3)
        let status = dmt_jpeg_decode_plain(bytes, bytes.count, &header, &pixels, &report)
        return (Int(status), pixels)
    }

    private func noise(_ height: Int, _ width: Int, _ stream: inout RandomStream) -> Picture {
        let (smooth, block) = (stream.chance(0.5), stream.chance(0.3))
        var picture = Picture(height: height, width: width)
        for place in picture.pixels.indices {
            let (y, x) = (place / 3 / width, place / 3 % width)
            let value = smooth ? 3 * x + 5 * y + 60 * (place % 3) : stream.int(below: 256)
            picture.pixels[place] = UInt8(truncatingIfNeeded: block ? (x / 8 * 71 + y / 8 * 37) : value)
        }
        return picture
    }

    @Test func everyShapeAndQualityGivesLibjpegsBytes() throws {
        var stream = RandomStream(seed: 1, purpose: "jpeg shapes")
        for round in 0..<250 {
            let side = { (stream: inout RandomStream) in 1 + stream.int(below: round < 100 ? 20 : 90) }
            let picture = noise(side(&stream), side(&stream), &stream)
            let bytes = JPEGFile.encode(
                picture, quality: [1, 10, 50, 75, 90, 97, 100][stream.int(below: 7)],
                sampling: stream.chance(0.7) ? .halved : .full)
            let decoded = try JPEGFile.decode(bytes, file: "drawn")
            #expect(decoded.pixels == plain(bytes).pixels, "\(picture.height)x\(picture.width), round \(round)")
            expectWindows(bytes, decoded, &stream)
        }
    }

    private func expectWindows(_ bytes: [UInt8], _ whole: Picture, _ stream: inout RandomStream) {
        for _ in 0..<6 {
            let (height, width) = (1 + stream.int(below: whole.height), 1 + stream.int(below: whole.width))
            let window = Window(
                top: stream.int(below: whole.height - height + 1), left: stream.int(below: whole.width - width + 1),
                height: height, width: width)
            let part = try? JPEGFile.decode(bytes, window: window, file: "drawn")
            #expect(part == window.cut(whole), "\(window) of \(whole.height)x\(whole.width)")
        }
    }

    /// Halved in width alone, grey, restart markers; and progressive, which is left to libjpeg.
    @Test func otherEncodersFiles() throws {
        var stream = RandomStream(seed: 2, purpose: "jpeg windows")
        for (name, text) in PillowFiles.all {
            let bytes = [UInt8](try #require(Data(base64Encoded: text)))
            let decoded = try JPEGFile.decode(bytes, file: name)
            #expect((decoded.height, decoded.width) == (37, 53))
            #expect(decoded.pixels == plain(bytes).pixels, "\(name)")
            expectWindows(bytes, decoded, &stream)
        }
    }

    /// A damaged file has libjpeg's verdict, and its pixels where it gives any.
    @Test func damagedFilesHaveLibjpegsVerdict() throws {
        var stream = RandomStream(seed: 3, purpose: "jpeg damage")
        var files = try PillowFiles.all.map { [UInt8](try #require(Data(base64Encoded: $0.1))) }
        files.append(JPEGFile.encode(JPEGFileTests.picture(), quality: 90))
        var (refused, accepted) = (0, 0)
        for round in 0..<1500 {
            var bytes = files[round % files.count]
            for _ in 0...stream.int(below: 2) { bytes[stream.int(below: bytes.count)] = UInt8(stream.int(below: 256)) }
            let expected = plain(bytes)
            let decoded = try? JPEGFile.decode(bytes, file: "x", limits: ImageLimits(maxPixels: 1 << 24))
            refused += decoded == nil ? 1 : 0
            accepted += decoded == nil ? 0 : 1
            #expect((decoded == nil) == (expected.status != 0), "round \(round)")
            if let decoded { #expect(decoded.pixels == expected.pixels, "round \(round)") }
        }
        #expect(refused > 100 && accepted > 100, "\(refused) refused, \(accepted) accepted")
    }

    /// A window at the top still notices that the file has no end.
    @Test func aCutFileHasNoWindows() throws {
        let bytes = JPEGFile.encode(JPEGFileTests.picture(), quality: 75)
        let window = Window(top: 0, left: 0, height: 8, width: 8)
        for length in stride(from: bytes.count - 3, to: bytes.count / 2, by: -7) {
            #expect(throws: DataError.self, "\(length) of \(bytes.count)") {
                try JPEGFile.decode(Array(bytes[..<length]), window: window, file: "cut.jpg")
            }
        }
    }
}
