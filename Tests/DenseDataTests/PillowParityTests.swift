import ImageFiles
import Testing

@testable import DenseData

/// FNV-1a of bytes: enough to pin a golden picture.
private func fingerprint(_ bytes: [UInt8]) -> UInt64 {
    bytes.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
}

/// Golden fingerprints of Pillow 11.3.0 (`Image.resize`, `convert("L")`) on pictures drawn by formula.
///
/// Pillow 13.0.0 gives the same but for 7 x 20: where only the height shrinks it takes columns first, and single samples
/// differ by one.
///
/// Made with, for h x w and channel c: `(37*y*y + 91*x + 53*c*x*y + 17*c) % 256`, fingerprints over the result's bytes.
@Suite struct PillowParityTests {
    static var picture: Picture {
        var picture = Picture(height: 13, width: 9)
        for y in 0..<13 {
            for x in 0..<9 {
                for c in 0..<3 {
                    let value: Int = 37 * y * y + 91 * x + 53 * c * x * y + 17 * c
                    picture.pixels[(y * 9 + x) * 3 + c] = UInt8(value % 256)
                }
            }
        }
        return picture
    }

    static let resized: [(Resize.Filter, Int, Int, UInt64)] = [
        (.bilinearAntialiased, 26, 18, 0xb421_b66d_fb79_3bc9), (.bilinearAntialiased, 5, 4, 0x06da_7587_4086_fb1e),
        (.bilinearAntialiased, 7, 20, 0xa567_9c08_4f11_74db), (.bilinearAntialiased, 1, 1, 0x9bce_0619_6b3f_85e5),
        (.bilinearAntialiased, 30, 3, 0xd27d_f37f_c022_d459), (.bicubicAntialiased, 26, 18, 0xae72_28e3_9b01_6cf7),
        (.bicubicAntialiased, 5, 4, 0x7ce7_86b7_a843_fb07), (.bicubicAntialiased, 7, 20, 0x56dd_e0d6_edb3_4076),
        (.bicubicAntialiased, 1, 1, 0x9bcb_0119_6b3d_478f), (.bicubicAntialiased, 30, 3, 0xc5dd_05a8_c590_9dee),
    ]

    @Test func resizingGivesPillowsBytes() {
        for (filter, height, width, golden) in Self.resized {
            let result = Resize.picture(Self.picture, to: (height, width), filter)
            #expect(fingerprint(result.pixels) == golden, "\(filter) \(height)x\(width): \(result.pixels.prefix(6))")
        }
    }

    @Test func greyscaleGivesPillowsLuma() {
        var picture = Self.picture
        ColourTransform.greyscale(&picture)
        let luma = stride(from: 0, to: picture.pixels.count, by: 3).map { picture.pixels[$0] }
        #expect(fingerprint(luma) == 0xe160_3888_3402_1ab3)
    }
}
