import CImageCodecs
import SafeFiles

/// JPEG: decoding to RGB and deterministic encoding.
///
/// Decoding is libjpeg's default path (slow integer DCT, smooth upsampling), the one Pillow and torchvision use. EXIF
/// orientation is not applied, as in pycocotools-era pipelines. CMYK files become RGB by Pillow's formula.
///
/// Plain files (baseline, one scan, grey or 4:4:4, 4:2:2, 4:2:0) take a faster path of this package's own with the same
/// bytes; every other file, and whatever looks damaged to that path, goes through libjpeg.
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

    /// A part of the picture, in the bytes that `decode` gives for it, without most of the work outside.
    ///
    /// - Throws: as `decode`, but damage in rows below the window may stay unseen; a file cut short never does.
    /// - Precondition: the window lies inside the picture.
    public static func decode(
        _ bytes: [UInt8], window: Window, file: String, limits: ImageLimits = .standard
    ) throws(DataError) -> Picture {
        let header = try Codec.header(bytes, file, limits, "JPEG", dmt_jpeg_header)
        window.check(Int(header.height), Int(header.width))
        var part = dmt_image_window(
            top: Int32(window.top), left: Int32(window.left), height: Int32(window.height), width: Int32(window.width))
        let pixels: [UInt8] = try Codec.rows(
            bytes, file, header, count: window.height * window.width * 3, "JPEG"
        ) { input, size, header, output, report in
            dmt_jpeg_decode_window(input, size, header, &part, output, report)
        }
        return Picture(height: window.height, width: window.width, pixels: pixels)
    }

    /// The picture at a half, a quarter or an eighth, the smallest of these that is no smaller than `size`; whole where
    /// none is.
    ///
    /// - Parameters:
    ///   - size: height and width that the sides must be a multiple of the divisor of, or more: (375, 500) is halved for
    ///     (187, 250), not for (188, 250).
    /// - Accuracy: not exact. Smaller transforms replace decoding followed by shrinking, so samples differ from those of a
    ///   full picture; they are those of Pillow's `draft` with the same libjpeg. For training views, not for evaluation.
    /// - Source: Pillow `JpegImageFile.draft`.
    public static func decode(
        _ bytes: [UInt8], atLeast size: (height: Int, width: Int), file: String, limits: ImageLimits = .standard
    ) throws(DataError) -> Picture {
        let header = try Codec.header(bytes, file, limits, "JPEG", dmt_jpeg_header)
        let (height, width) = (Int(header.height), Int(header.width))
        let divisor = divisor(of: (height, width), atLeast: size)
        let scaled = (height: (height + divisor - 1) / divisor, width: (width + divisor - 1) / divisor)
        let pixels: [UInt8] = try Codec.rows(
            bytes, file, header, count: scaled.height * scaled.width * 3, "JPEG"
        ) { input, count, header, output, report in
            dmt_jpeg_decode_scaled(input, count, header, Int32(divisor), output, report)
        }
        return Picture(height: scaled.height, width: scaled.width, pixels: pixels)
    }

    static func divisor(of whole: (height: Int, width: Int), atLeast size: (height: Int, width: Int)) -> Int {
        [8, 4, 2].first { whole.height >= $0 * size.height && whole.width >= $0 * size.width } ?? 1
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
