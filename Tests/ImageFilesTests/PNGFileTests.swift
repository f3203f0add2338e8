import CImageCodecs
import Determinism
import ImageFiles
import SafeFiles
import TestSupport
import Testing

@Suite struct PNGFileTests {
    static func labels(_ height: Int, _ width: Int, below bound: Int, seed: UInt64) -> LabelImage {
        var stream = RandomStream(seed: seed, purpose: "labels")
        return LabelImage(
            height: height, width: width, values: (0..<height * width).map { _ in UInt16(stream.int(below: bound)) })
    }

    @Test func labelsSurviveBothDepths() throws {
        for (height, width) in [(1, 1), (3, 7), (40, 65)] {
            let narrow = Self.labels(height, width, below: 256, seed: 1)
            #expect(try PNGFile.decodeLabels(PNGFile.encode(narrow), file: "a") == narrow)
            let wide = Self.labels(height, width, below: 65536, seed: 2)
            let bytes = PNGFile.encode(wide, bitDepth: 16)
            #expect(try PNGFile.decodeLabels(bytes, file: "a") == wide)
            #expect(bytes == PNGFile.encode(wide, bitDepth: 16))
        }
    }

    @Test func picturesSurvive() throws {
        var stream = RandomStream(seed: 3, purpose: "picture")
        let picture = Picture(height: 5, width: 9, pixels: (0..<135).map { _ in UInt8(stream.int(below: 256)) })
        #expect(try PNGFile.decodePicture(PNGFile.encode(picture), file: "a") == picture)
    }

    /// Every depth and filter: raw values come out, and the fast path equals libpng.
    @Test(arguments: [1, 2, 4, 8, 16]) func everyDepthAndFilterGivesRawValues(bitDepth: Int) throws {
        let (height, width) = (10, 13)
        for colourType in bitDepth == 16 ? [0] : [0, 3] {
            let source = Self.labels(height, width, below: 1 << bitDepth, seed: UInt64(bitDepth))
            let rows: [[UInt8]] = (0..<height).map { y in
                var bits: [UInt8] = []
                for x in 0..<width {
                    let value = source.values[y * width + x]
                    for bit in stride(from: bitDepth - 1, through: 0, by: -1) { bits.append(UInt8(value >> bit & 1)) }
                }
                while bits.count % 8 != 0 { bits.append(0) }
                return stride(from: 0, to: bits.count, by: 8).map { bits[$0..<$0 + 8].reduce(0) { $0 << 1 | $1 } }
            }
            let file = HandMadePNG(
                height: height, width: width, bitDepth: bitDepth, colourType: colourType, rows: rows,
                filters: (0..<height).map { $0 % 5 },
                palette: colourType == 3 ? [UInt8](repeating: 9, count: 3 << bitDepth) : []
            ).bytes
            #expect(try PNGFile.decodeLabels(file, file: "a") == source)
            #expect(try Self.plain(file) == source.values)
        }
    }

    private static func plain(_ bytes: [UInt8]) throws -> [UInt16] {
        var header = dmt_image_header()
        var report = dmt_image_report()
        #expect(dmt_png_header(bytes, bytes.count, 1 << 20, &header, &report) == 0)
        var values = [UInt16](repeating: 0, count: Int(header.height * header.width))
        #expect(dmt_png_decode_index_plain(bytes, bytes.count, &header, &values, &report) == 0)
        return values
    }

    @Test(arguments: [2, 4, 6]) func colourIsNoLabelFile(colourType: Int) throws {
        let channels = [2: 3, 4: 2, 6: 4][colourType]!
        let file = HandMadePNG(
            height: 2, width: 2, bitDepth: 8, colourType: colourType,
            rows: [[UInt8]](repeating: [UInt8](repeating: 7, count: 2 * channels), count: 2), filters: [0, 0]
        ).bytes
        let error = #expect(throws: DataError.self) { try PNGFile.decodeLabels(file, file: "seg/x.png") }
        #expect(error?.file == "seg/x.png")
        #expect(error?.found == "\(channels) samples a pixel")
        #expect(error?.remedy.contains("class indices") == true)
        #expect(try PNGFile.decodePicture(file, file: "x").pixels == [UInt8](repeating: 7, count: 12))
    }

    @Test func everyTruncationIsAnError() throws {
        let bytes = PNGFile.encode(Self.labels(30, 30, below: 5, seed: 4))
        for length in 0..<bytes.count {
            let error = #expect(throws: DataError.self) {
                try PNGFile.decodeLabels(Array(bytes[..<length]), file: "cut")
            }
            #expect(error?.kind == .malformed)
        }
    }

    @Test func everyDamagedByteIsAnError() throws {
        let bytes = PNGFile.encode(Self.labels(12, 12, below: 9, seed: 5))
        for position in bytes.indices {
            var damaged = bytes
            damaged[position] ^= 0x10
            #expect(throws: DataError.self, "byte \(position)") { try PNGFile.decodeLabels(damaged, file: "x") }
        }
    }

    @Test func sizesAreCheckedBeforeMemoryIsTaken() throws {
        let huge = HandMadePNG.chunk("IHDR", HandMadePNG.word(65_000) + HandMadePNG.word(65_000) + [8, 0, 0, 0, 0])
        let bytes: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 13, 10, 26, 10] + huge + HandMadePNG.chunk("IEND", [])
        let error = #expect(throws: DataError.self) { try PNGFile.decodeLabels(bytes, file: "bomb.png") }
        #expect(error?.description.contains("178956970") == true)
        #expect(throws: DataError.self) {
            try PNGFile.decodeLabels(
                PNGFile.encode(Self.labels(4, 4, below: 2, seed: 1)), file: "x", limits: ImageLimits(maxPixels: 15))
        }
    }

    /// Colour type and depth that the standard does not have; found by `FuzzPNG`, which met a label file of colour type 23.
    @Test func impossibleKindsAreRefused() {
        let whole = HandMadePNG(height: 1, width: 2, bitDepth: 8, colourType: 0, rows: [[1, 2]], filters: [0]).bytes
        for (depth, type) in [
            (8, 23), (8, 1), (8, 5), (8, 7), (8, 255), (3, 0), (0, 0), (16, 3), (4, 2), (1, 4), (2, 6),
        ] {
            let body = HandMadePNG.word(2) + HandMadePNG.word(1) + [UInt8(depth), UInt8(type), 0, 0, 0]
            let bytes = Array(whole[..<8]) + HandMadePNG.chunk("IHDR", body) + Array(whole[33...])
            let error = #expect(throws: DataError.self) { try PNGFile.decodeLabels(bytes, file: "a.png") }
            #expect(error?.found == "colour type \(type) with \(depth) bits", "\(depth), \(type)")
        }
    }

    /// Files whose chunks are each right and stand where they should not: both readers say the same of them.
    @Test func chunksOutOfPlaceAreLeftToLibpng() throws {
        let whole = HandMadePNG(height: 1, width: 2, bitDepth: 8, colourType: 0, rows: [[1, 2]], filters: [0]).bytes
        let (start, header) = (Array(whole[..<8]), Array(whole[8..<33]))
        // Two IDAT of a stream of 14 bytes, then IEND.
        let (first, second) = (Array(whole[33..<52]), Array(whole[52..<71]))
        let (end, note) = (Array(whole[71...]), HandMadePNG.chunk("teXt", [1]))
        let files: [String: [UInt8]] = [
            "gap": start + header + first + note + second + end,
            "header twice": start + header + header + first + second + end,
            "palette": start + header + HandMadePNG.chunk("PLTE", [1, 2, 3]) + first + second + end,
            "no letters": start + header + HandMadePNG.chunk("t\u{1}xt", []) + first + second + end,
            "end with data": start + header + first + second + HandMadePNG.chunk("IEND", [1]),
            "notes": start + header + note + first + second + note + end, "tail": whole + [1, 2, 3],
            "window": start + header + HandMadePNG.chunk("IDAT", [0x08, 0x1D] + first[10..<15] + second[8..<15]) + end,
        ]
        for (name, bytes) in files {
            let header = try PNGFile.header(of: bytes, file: name)
            #expect(header.height == 1 && header.width == 2)
            var (c, report) = (dmt_image_header(), dmt_image_report())
            #expect(dmt_png_header(bytes, bytes.count, 100, &c, &report) == Int32(DMT_IMAGE_OK))
            var (fast, plain) = ([UInt16](repeating: 7, count: 2), [UInt16](repeating: 8, count: 2))
            let verdicts = [
                dmt_png_decode_index(bytes, bytes.count, &c, &fast, &report),
                dmt_png_decode_index_plain(bytes, bytes.count, &c, &plain, &report),
            ]
            #expect(verdicts[0] == verdicts[1], "\(name): \(verdicts)")
            if verdicts[0] == Int32(DMT_IMAGE_OK) { #expect(fast == plain, "\(name)") }
        }
    }
}
