import Determinism
import Foundation
import ImageFiles
import SafeFiles
import Testing

@Suite struct JPEGFileTests {
    /// A smooth picture with different height and width.
    static func picture(_ height: Int = 37, _ width: Int = 53) -> Picture {
        var picture = Picture(height: height, width: width)
        for y in 0..<height {
            for x in 0..<width {
                let wave = sin(Double(x) / 7) + cos(Double(y) / 5)
                picture.pixels[(y * width + x) * 3] = UInt8(128 + 50 * wave)
                picture.pixels[(y * width + x) * 3 + 1] = UInt8(4 * x)
                picture.pixels[(y * width + x) * 3 + 2] = UInt8(6 * y)
            }
        }
        return picture
    }

    static func worst(_ a: Picture, _ b: Picture) -> Int {
        zip(a.pixels, b.pixels).map { abs(Int($0) - Int($1)) }.max() ?? 0
    }

    @Test func encodesAndDecodes() throws {
        let picture = Self.picture()
        let fine = JPEGFile.encode(picture, quality: 98, sampling: .full)
        #expect(fine == JPEGFile.encode(picture, quality: 98, sampling: .full))
        let back = try JPEGFile.decode(fine, file: "a.jpg")
        #expect((back.height, back.width) == (37, 53))
        // Quantisation steps of 1 to 3 at quality 98, colour conversion on top; measured 3.
        #expect(Self.worst(picture, back) <= 6)
        let coarse = JPEGFile.encode(picture, quality: 50)
        #expect(coarse.count < fine.count / 2)
        let decoded = try PictureFile.decode(coarse, file: "a.jpg")
        #expect(Self.worst(picture, decoded) <= 60)
        #expect(Self.worst(picture, decoded) > Self.worst(picture, back))
        #expect(try JPEGFile.size(of: coarse, file: "a.jpg") == (37, 53))
    }

    /// A file cut anywhere before its end is an error, never a picture filled up with grey.
    @Test func everyTruncationIsAnError() throws {
        let bytes = JPEGFile.encode(Self.picture(), quality: 75)
        for length in 0..<bytes.count - 2 {
            let error = #expect(throws: DataError.self, "\(length) of \(bytes.count)") {
                try JPEGFile.decode(Array(bytes[..<length]), file: "cut.jpg")
            }
            #expect(error?.file == "cut.jpg")
        }
    }

    /// Damaged files decode or are refused; they never crash or change the size.
    @Test func damagedBytesAreContained() throws {
        let bytes = JPEGFile.encode(Self.picture(), quality: 75)
        var stream = RandomStream(seed: 1, purpose: "damage")
        var refused = 0
        for _ in 0..<400 {
            var damaged = bytes
            damaged[stream.int(below: bytes.count)] = UInt8(stream.int(below: 256))
            do { _ = try JPEGFile.decode(damaged, file: "x", limits: ImageLimits(maxPixels: 1 << 20)) } catch {
                refused += 1
            }
        }
        #expect(refused > 20)
    }

    @Test func aHugeHeaderIsRefusedBeforeDecoding() throws {
        var bytes = JPEGFile.encode(Self.picture(), quality: 75)
        let frame = try #require((0..<bytes.count - 9).first { bytes[$0] == 0xFF && bytes[$0 + 1] == 0xC0 })
        for offset in 5..<9 { bytes[frame + offset] = 0xFA }
        let error = #expect(throws: DataError.self) { try JPEGFile.decode(bytes, file: "bomb.jpg") }
        #expect(error?.found == "64250 x 64250 pixels")
    }

    @Test func otherFilesAreNamed() throws {
        let error = #expect(throws: DataError.self) { try PictureFile.decode(Array("GIF89a".utf8), file: "a.gif") }
        #expect(error?.expected == "a JPEG or PNG file")
        #expect(throws: DataError.self) { try PictureFile.decode([], file: "empty") }
    }
}

/// Golden fingerprints (FNV-1a) of Pillow 13.0.0: the file it writes at quality 75 and the picture it reads back.
///
/// Source picture 37 x 53: `(3*x + 2*y + 40*c + x*y/9) % 256`.
@Suite struct PillowJPEGParityTests {
    static var source: Picture {
        var picture = Picture(height: 37, width: 53)
        for y in 0..<37 {
            for x in 0..<53 {
                for c in 0..<3 {
                    picture.pixels[(y * 53 + x) * 3 + c] = UInt8((3 * x + 2 * y + 40 * c + x * y / 9) % 256)
                }
            }
        }
        return picture
    }

    private func fingerprint(_ bytes: [UInt8]) -> UInt64 {
        bytes.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
    }

    @Test(
        arguments: [
            (.halved, 1231, 0x281e243227bac266, 0x105b17bf4359a257),
            (.full, 1494, 0xc3f839f8c6ad2e62, 0x6b4fe4099a4fe5df),
        ] as [(JPEGFile.ChromaSampling, Int, UInt64, UInt64)])
    func sameFileAndSamePixels(sampling: JPEGFile.ChromaSampling, size: Int, file: UInt64, pixels: UInt64) throws {
        let bytes = JPEGFile.encode(Self.source, quality: 75, sampling: sampling)
        #expect(bytes.count == size)
        #expect(fingerprint(bytes) == file)
        #expect(fingerprint(try JPEGFile.decode(bytes, file: "x").pixels) == pixels)
    }

    /// `Image.draft` of Pillow 13.0.0 on the same file: sizes and pixels.
    @Test(
        arguments: [
            (.halved, 18, 26, 19, 27, 0xd3e8_355a_d716_bdea), (.halved, 10, 14, 19, 27, 0xd3e8_355a_d716_bdea),
            (.halved, 5, 7, 10, 14, 0x31f3_d91e_3465_cf76), (.halved, 18, 27, 37, 53, 0x105b_17bf_4359_a257),
            (.full, 18, 26, 19, 27, 0x27ca_5269_92ee_b73b), (.full, 5, 7, 10, 14, 0xf195_6220_5d24_56a2),
            (.full, 18, 27, 37, 53, 0x6b4f_e409_9a4f_e5df),
        ] as [(JPEGFile.ChromaSampling, Int, Int, Int, Int, UInt64)])
    func scaledDecodingIsPillowsDraft(
        sampling: JPEGFile.ChromaSampling, height: Int, width: Int, scaledHeight: Int, scaledWidth: Int, pixels: UInt64
    ) throws {
        let bytes = JPEGFile.encode(Self.source, quality: 75, sampling: sampling)
        let scaled = try JPEGFile.decode(bytes, atLeast: (height, width), file: "x")
        #expect((scaled.height, scaled.width) == (scaledHeight, scaledWidth))
        #expect(fingerprint(scaled.pixels) == pixels)
        #expect(try EncodedPicture(bytes, file: "x").decoded(atLeast: (height, width)) == scaled)
    }
}
