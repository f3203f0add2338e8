import CImageCodecs
import SafeFiles

/// JPEG: decoding to RGB and deterministic encoding.
///
/// Decoding is libjpeg's default path (slow integer DCT, smooth upsampling), the one Pillow and torchvision use. EXIF
/// orientation is not applied, as in pycocotools-era pipelines. CMYK files become RGB by Pillow's formula.
public enum JPEGFile {
    public enum ChromaSampling: Sendable { case full, halved }

    /// - Throws: `.malformed` for anything truncated, corrupt, over the limits or with more than 100 scans.
    public static func decode(
        _ bytes: [UInt8], file: String, limits: ImageLimits = .standard
    ) throws(DataError) -> Picture {
        let header = try Codec.header(bytes, file, limits, "JPEG", dmt_jpeg_header)
        let (height, width) = (Int(header.height), Int(header.width))
        let pixels: [UInt8] = try Codec.rows(bytes, file, header, count: height * width * 3, "JPEG", dmt_jpeg_decode)
        return Picture(height: height, width: width, pixels: pixels)
    }

    /// Height and width from the header alone.
    public static func size(
        of bytes: [UInt8], file: String, limits: ImageLimits = .standard
    ) throws(DataError) -> (height: Int, width: Int) {
        let header = try Codec.header(bytes, file, limits, "JPEG", dmt_jpeg_header)
        return (Int(header.height), Int(header.width))
    }

    /// - Parameters:
    ///   - quality: 1...100, on libjpeg's scale.
    /// - Precondition: each side is at most 65,500.
    public static func encode(_ picture: Picture, quality: Int, sampling: ChromaSampling = .halved) -> [UInt8] {
        precondition((1...100).contains(quality), "JPEG quality \(quality): 1...100")
        return Codec.encoded("a picture", "JPEG") { output, size, report in
            dmt_jpeg_encode(
                picture.pixels, Int32(picture.height), Int32(picture.width), Int32(quality),
                sampling == .halved ? 1 : 0, output, size, report)
        }
    }
}
