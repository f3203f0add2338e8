import CImageCodecs
import SafeFiles

/// The seam to the C decoders: status codes become `DataError`s that name the file.
enum Codec {
    typealias ReadHeader = (
        UnsafePointer<UInt8>?, Int, Int64, UnsafeMutablePointer<dmt_image_header>?,
        UnsafeMutablePointer<dmt_image_report>?
    ) -> Int32
    typealias ReadRows<Sample> = (
        UnsafePointer<UInt8>?, Int, UnsafePointer<dmt_image_header>?, UnsafeMutablePointer<Sample>?,
        UnsafeMutablePointer<dmt_image_report>?
    ) -> Int32

    static func header(
        _ bytes: [UInt8], _ file: String, _ limits: ImageLimits, _ format: String, _ readHeader: ReadHeader
    ) throws(DataError) -> dmt_image_header {
        var header = dmt_image_header()
        var report = dmt_image_report()
        let status = bytes.withUnsafeBufferPointer {
            readHeader($0.baseAddress, $0.count, Int64(limits.maxPixels), &header, &report)
        }
        try check(status, report, file, format, limits)
        return header
    }

    /// Decodes into a fresh array of `count` samples, allocated only after the header passed its limits.
    static func rows<Sample>(
        _ bytes: [UInt8], _ file: String, _ header: dmt_image_header, count: Int, _ format: String,
        _ readRows: ReadRows<Sample>
    ) throws(DataError) -> [Sample] {
        var report = dmt_image_report()
        var status: Int32 = 0
        let samples = [Sample](unsafeUninitializedCapacity: count) { buffer, filled in
            status = bytes.withUnsafeBufferPointer { input in
                withUnsafePointer(to: header) {
                    readRows(input.baseAddress, input.count, $0, buffer.baseAddress, &report)
                }
            }
            filled = status == DMT_IMAGE_OK ? count : 0
        }
        try check(status, report, file, format, .standard)
        return samples
    }

    static func encoded(
        _ file: String, _ format: String,
        _ encode: (
            UnsafeMutablePointer<UnsafeMutablePointer<UInt8>?>, UnsafeMutablePointer<Int>,
            UnsafeMutablePointer<dmt_image_report>
        ) -> Int32
    ) -> [UInt8] {
        var output: UnsafeMutablePointer<UInt8>?
        var size = 0
        var report = dmt_image_report()
        let status = encode(&output, &size, &report)
        precondition(status == DMT_IMAGE_OK, "encoding \(file) as \(format): \(text(report))")
        defer { dmt_image_free(output) }
        return [UInt8](UnsafeBufferPointer(start: output, count: size))
    }

    private static func text(_ report: dmt_image_report) -> String {
        withUnsafeBytes(of: report.message) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }

    private static func check(
        _ status: Int32, _ report: dmt_image_report, _ file: String, _ format: String, _ limits: ImageLimits
    ) throws(DataError) {
        switch Int(status) {
        case DMT_IMAGE_OK: return
        case DMT_IMAGE_TOO_LARGE:
            throw DataError(
                .malformed, file: file, expected: "at most \(limits.maxPixels) pixels", found: text(report),
                remedy: "give --max-pixels if the picture is meant to be that large")
        case DMT_IMAGE_NO_MEMORY:
            throw DataError(
                .malformed, file: file, expected: "memory to decode the picture", found: "too little",
                remedy: "use smaller pictures or a larger machine")
        default:
            throw DataError(
                .malformed, file: file, expected: "a whole \(format) file", found: text(report),
                remedy: "fetch the file again or leave it out of the data set")
        }
    }
}
