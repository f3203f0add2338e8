import SafeFiles

/// Picture files of either format, told apart by their first bytes, never by their names.
public enum PictureFile {
    /// File name endings that a folder scan takes for pictures.
    public static let endings = [".jpg", ".jpeg", ".png", ".JPG", ".JPEG", ".PNG"]

    public static func hasPictureEnding(_ name: String) -> Bool { endings.contains { name.hasSuffix($0) } }

    /// Reads and decodes a JPEG or PNG file.
    public static func load(_ path: String, limits: ImageLimits = .standard) throws(DataError) -> Picture {
        try decode(FileBytes.read(path, limit: limits.maxFileBytes), file: path, limits: limits)
    }

    public static func decode(
        _ bytes: [UInt8], file: String, limits: ImageLimits = .standard
    ) throws(DataError) -> Picture {
        if bytes.starts(with: [0xFF, 0xD8]) { return try JPEGFile.decode(bytes, file: file, limits: limits) }
        if bytes.starts(with: [0x89, 0x50]) { return try PNGFile.decodePicture(bytes, file: file, limits: limits) }
        throw DataError(
            .malformed, file: file, expected: "a JPEG or PNG file", found: "other first bytes",
            remedy: "convert the picture or leave it out of the data set")
    }

    /// Reads and decodes a label PNG.
    public static func loadLabels(_ path: String, limits: ImageLimits = .standard) throws(DataError) -> LabelImage {
        try PNGFile.decodeLabels(FileBytes.read(path, limit: limits.maxFileBytes), file: path, limits: limits)
    }
}
