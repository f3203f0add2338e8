import CImageCodecs
import SafeFiles

/// PNG: pictures as RGB, label files as raw indices.
public enum PNGFile {
    /// Any PNG as 8-bit RGB: grey and palette expanded, alpha dropped, 16 bits cut to the upper 8.
    public static func decodePicture(
        _ bytes: [UInt8], file: String, limits: ImageLimits = .standard
    ) throws(DataError) -> Picture {
        let header = try Codec.header(bytes, file, limits, "PNG", dmt_png_header)
        let (height, width) = (Int(header.height), Int(header.width))
        let pixels: [UInt8] = try Codec.rows(bytes, file, header, count: height * width * 3, "PNG", dmt_png_decode_rgb)
        return Picture(height: height, width: width, pixels: pixels)
    }

    /// A grey (1, 2, 4, 8, 16 bits) or palette file as its raw values; a palette gives indices, never colours.
    ///
    /// - Throws: `.malformed` for colour files: there is no telling which colour is which class.
    public static func decodeLabels(
        _ bytes: [UInt8], file: String, limits: ImageLimits = .standard
    ) throws(DataError) -> LabelImage {
        let header = try Codec.header(bytes, file, limits, "PNG", dmt_png_header)
        guard header.channels == 1 else {
            throw DataError(
                .malformed, file: file, expected: "a label file: grey or palette, one index a pixel",
                found: "\(header.channels) samples a pixel",
                remedy: "convert colours to class indices first (the full ADE20K release stores (R/10)*256+G; "
                    + "the scene parsing benchmark has 8-bit labels)")
        }
        let (height, width) = (Int(header.height), Int(header.width))
        let values: [UInt16] = try Codec.rows(bytes, file, header, count: height * width, "PNG", dmt_png_decode_index)
        return LabelImage(height: height, width: width, values: values)
    }

    /// The header's facts: height, width, samples a pixel, bits a sample, palette or not.
    public static func header(
        of bytes: [UInt8], file: String, limits: ImageLimits = .standard
    ) throws(DataError) -> (height: Int, width: Int, channels: Int, bitDepth: Int, isPalette: Bool) {
        let header = try Codec.header(bytes, file, limits, "PNG", dmt_png_header)
        return (
            Int(header.height), Int(header.width), Int(header.channels), Int(header.bit_depth), header.is_palette != 0
        )
    }

    /// An RGB file.
    public static func encode(_ picture: Picture, level: Int = 6) -> [UInt8] {
        encode(rows: picture.pixels, picture.height, picture.width, channels: 3, bitDepth: 8, level: level)
    }

    /// A grey file whose samples are the labels.
    ///
    /// - Parameters:
    ///   - bitDepth: 8 or 16.
    /// - Precondition: all values fit.
    public static func encode(_ labels: LabelImage, bitDepth: Int = 8, level: Int = 6) -> [UInt8] {
        precondition(bitDepth == 8 || bitDepth == 16, "label bit depth \(bitDepth): 8 or 16")
        var rows: [UInt8] = []
        rows.reserveCapacity(labels.values.count * bitDepth / 8)
        for value in labels.values {
            precondition(bitDepth == 16 || value < 256, "label \(value) does not fit 8 bits")
            if bitDepth == 16 { rows.append(UInt8(value >> 8)) }
            rows.append(UInt8(truncatingIfNeeded: value))
        }
        return encode(rows: rows, labels.height, labels.width, channels: 1, bitDepth: bitDepth, level: level)
    }

    private static func encode(
        rows: [UInt8], _ height: Int, _ width: Int, channels: Int, bitDepth: Int, level: Int
    ) -> [UInt8] {
        Codec.encoded("a picture", "PNG") { output, size, report in
            dmt_png_encode(
                rows, Int32(height), Int32(width), Int32(channels), Int32(bitDepth), Int32(level), output, size, report)
        }
    }
}
