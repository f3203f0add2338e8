import Determinism
import ImageFiles
import TestSupport

extension BadFile {
    /// A small picture without symmetry.
    static func picture(height: Int = 24, width: Int = 32) -> Picture {
        var picture = Picture(height: height, width: width)
        for y in 0..<height {
            for x in 0..<width {
                for c in 0..<3 {
                    picture.pixels[3 * (y * width + x) + c] = UInt8((3 * x + 5 * y + 40 * c + x * y / 7) & 255)
                }
            }
        }
        return picture
    }

    static func jpegs() -> [BadFile] {
        let whole = JPEGFile.encode(picture(), quality: 80)
        func file(_ name: String, _ bytes: [UInt8]) -> BadFile {
            BadFile(name: "jpeg-\(name)", file: "a.jpg", reader: .picture, bytes: bytes)
        }
        let frame = whole.indices.first { whole[$0] == 0xFF && whole[$0 + 1] == 0xC0 }!
        let scan = whole.indices.first { whole[$0] == 0xFF && whole[$0 + 1] == 0xDA }!
        func with(_ place: Int, _ values: UInt8...) -> [UInt8] {
            var bytes = whole
            bytes.replaceSubrange(place..<place + values.count, with: values)
            return bytes
        }
        return [
            file("size-64k", with(frame + 5, 0xFF, 0xFF, 0xFF, 0xFF)), file("height-0", with(frame + 5, 0, 0)),
            file("width-0", with(frame + 7, 0, 0)), file("precision-12", with(frame + 4, 12)),
            file("components-0", with(frame + 9, 0)), file("components-5", with(frame + 9, 5)),
            file("sampling-0", with(frame + 11, 0)), file("table-9", with(frame + 12, 9)),
            file("lossless", with(frame + 1, 0xC3)), file("hierarchical", with(frame + 1, 0xC5)),
            file("arithmetic-lossless", with(frame + 1, 0xCB)), file("no-frame", with(frame + 1, 0xE5)),
            file("two-frames", Array(whole[..<scan]) + Array(whole[frame...])),
            file("frame-length", with(frame + 2, 0, 3)),
            file("scan-components", with(scan + 4, 9)), file("scan-unknown", with(scan + 5, 77)),
            file("marker-only", [0xFF, 0xD8]), file("end-at-once", [0xFF, 0xD8, 0xFF, 0xD9]),
            file("other-format", Array("GIF89a".utf8) + [UInt8](repeating: 0, count: 64)),
            file("text", Array("not a picture\n".utf8)), file("webp", Array("RIFF0000WEBPVP8 ".utf8)),
            file("truth", Array(truth().utf8)),
        ] + cuts(of: whole, 50, "jpeg", "a.jpg", .picture)
            + flips(
                of: whole, at: Array(0..<50).map { $0 * 12 + 2 }.filter { $0 < whole.count }, "jpeg", "a.jpg", .picture,
                isSure: false)
    }

    static func pngs() -> [BadFile] {
        let whole = PNGFile.encode(picture(height: 9, width: 7))
        func header(_ height: Int, _ width: Int, _ depth: UInt8 = 8, _ colour: UInt8 = 2, _ rest: [UInt8] = [0, 0, 0])
            -> [UInt8]
        {
            let body = HandMadePNG.word(width) + HandMadePNG.word(height) + [depth, colour] + rest
            return Array(whole[..<8]) + HandMadePNG.chunk("IHDR", body) + Array(whole[33...])
        }
        func file(_ name: String, _ bytes: [UInt8]) -> BadFile {
            BadFile(name: "png-\(name)", file: "a.png", reader: .picture, bytes: bytes)
        }
        let start = Array(whole[..<33])
        let end = HandMadePNG.chunk("IEND", [])
        return [
            file("size-1g", header(1 << 15, 1 << 15)), file("size-2-to-31", header(Int(Int32.max), 1)),
            file("size-2-to-32", header(1 << 32 - 1, 1 << 32 - 1)), file("height-0", header(0, 7)),
            file("width-0", header(9, 0)),
            file("depth-3", header(9, 7, 3)), file("depth-0", header(9, 7, 0)), file("colour-1", header(9, 7, 8, 1)),
            file("colour-255", header(9, 7, 8, 255)), file("rgb-1-bit", header(9, 7, 1)),
            file("palette-without", header(9, 7, 8, 3)), file("compression", header(9, 7, 8, 2, [1, 0, 0])),
            file("filter-method", header(9, 7, 8, 2, [0, 1, 0])), file("interlace-9", header(9, 7, 8, 2, [0, 0, 9])),
            file("more-rows", header(40, 7)), file("wider", header(9, 70)), file("no-data", start + end),
            file("data-no-zlib", start + HandMadePNG.chunk("IDAT", [1, 2, 3, 4]) + end),
            file("unknown-critical", start + HandMadePNG.chunk("ABCD", [1]) + Array(whole[33...])),
            file("chunk-length", start + [0x7F, 0xFF, 0xFF, 0xFF] + Array("IDAT".utf8) + [0, 0]),
            file("signature-only", Array(whole[..<8])),
            file("jpeg-inside", [0x89, 0x50] + JPEGFile.encode(picture(), quality: 50)),
        ] + cuts(of: whole, 50, "png", "a.png", .picture)
            + flips(
                of: whole, at: Array(stride(from: 8, to: whole.count - 12, by: 4)), "png", "a.png", .picture,
                isSure: false)
    }

    /// Label maps: not grey, not in the classes, not of the picture's size.
    static func labels() -> [BadFile] {
        let map = LabelImage(height: 6, width: 5, values: (0..<30).map { UInt16($0 % 3) })
        let whole = PNGFile.encode(map)
        var (far, wide) = (map, map)
        far.values[7] = 200
        wide.values[7] = 3000
        let small = LabelImage(height: 6, width: 4, values: [UInt16](repeating: 1, count: 24))
        func file(_ name: String, _ bytes: [UInt8]) -> BadFile {
            BadFile(name: "labels-\(name)", file: "a.png", reader: .labels, bytes: bytes)
        }
        return [
            file("colour", PNGFile.encode(picture(height: 6, width: 5))), file("no-class", PNGFile.encode(far)),
            file("no-class-16", PNGFile.encode(wide, bitDepth: 16)), file("other-size", PNGFile.encode(small)),
            file("jpeg", JPEGFile.encode(picture(height: 6, width: 5), quality: 90)),
            file(
                "grey-alpha",
                HandMadePNG(
                    height: 6, width: 5, bitDepth: 8, colourType: 4,
                    rows: [[UInt8]](repeating: [UInt8](repeating: 1, count: 10), count: 6),
                    filters: [Int](repeating: 0, count: 6)
                ).bytes),
        ] + cuts(of: whole, 20, "labels", "a.png", .labels)
            + flips(of: whole, at: Array(8..<min(60, whole.count - 12)), "labels", "a.png", .labels, isSure: false)
    }
}
