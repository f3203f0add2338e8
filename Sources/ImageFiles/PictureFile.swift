import SafeFiles

/// Picture files of either format, told apart by their first bytes, never by their names.
public enum PictureFile {
    /// File name endings that a folder scan takes for pictures.
    public static let endings = [".jpg", ".jpeg", ".png", ".JPG", ".JPEG", ".PNG"]

    public static func hasPictureEnding(_ name: String) -> Bool { endings.contains { name.hasSuffix($0) } }

    /// Height and width from the header of a JPEG or PNG file; the pixels are not decoded.
    public static func size(
        of path: String, limits: ImageLimits = .standard
    ) throws(DataError) -> (height: Int, width: Int) {
        try size(of: FileBytes.read(path, limit: limits.maxFileBytes), file: path, limits: limits)
    }

    static func size(
        of bytes: [UInt8], file: String, limits: ImageLimits
    ) throws(DataError) -> (height: Int, width: Int) {
        if isJPEG(bytes) { return try JPEGFile.size(of: bytes, file: file, limits: limits) }
        guard bytes.starts(with: pngStart) else { throw unknown(file) }
        let header = try PNGFile.header(of: bytes, file: file, limits: limits)
        return (header.height, header.width)
    }

    static func isJPEG(_ bytes: [UInt8]) -> Bool { bytes.starts(with: jpegStart) }

    /// Reads and decodes a JPEG or PNG file.
    public static func load(_ path: String, limits: ImageLimits = .standard) throws(DataError) -> Picture {
        try decode(FileBytes.read(path, limit: limits.maxFileBytes), file: path, limits: limits)
    }

    public static func decode(
        _ bytes: [UInt8], file: String, limits: ImageLimits = .standard
    ) throws(DataError) -> Picture {
        if isJPEG(bytes) { return try JPEGFile.decode(bytes, file: file, limits: limits) }
        if bytes.starts(with: pngStart) { return try PNGFile.decodePicture(bytes, file: file, limits: limits) }
        throw unknown(file)
    }

    private static let jpegStart: [UInt8] = [0xFF, 0xD8]
    private static let pngStart: [UInt8] = [0x89, 0x50]

    private static func unknown(_ file: String) -> DataError {
        DataError(
            .malformed, file: file, expected: "a JPEG or PNG file", found: "other first bytes",
            remedy: "convert the picture or leave it out of the data set")
    }

    /// Reads and decodes a label PNG.
    public static func loadLabels(_ path: String, limits: ImageLimits = .standard) throws(DataError) -> LabelImage {
        try PNGFile.decodeLabels(FileBytes.read(path, limit: limits.maxFileBytes), file: path, limits: limits)
    }
}
