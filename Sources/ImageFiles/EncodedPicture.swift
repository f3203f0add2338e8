import SafeFiles

/// A picture file in memory whose header has been read: its size is known, its pixels are decoded on demand.
public struct EncodedPicture: Sendable {
    public let file: String
    public let height: Int
    public let width: Int
    /// PNG otherwise.
    public let isJPEG: Bool
    private let bytes: [UInt8]
    private let limits: ImageLimits

    /// - Throws: `.missing` for no such file, `.malformed` for anything but a JPEG or PNG header within the limits.
    public init(_ path: String, limits: ImageLimits = .standard) throws(DataError) {
        try self.init(FileBytes.read(path, limit: limits.maxFileBytes), file: path, limits: limits)
    }

    /// - Parameter file: for messages.
    public init(_ bytes: [UInt8], file: String, limits: ImageLimits = .standard) throws(DataError) {
        (height, width) = try PictureFile.size(of: bytes, file: file, limits: limits)
        isJPEG = PictureFile.isJPEG(bytes)
        self.bytes = bytes
        self.file = file
        self.limits = limits
    }

    /// The whole picture.
    public func decoded() throws(DataError) -> Picture { try PictureFile.decode(bytes, file: file, limits: limits) }

    /// A part, in the bytes of the whole picture; of a JPEG, most of the work outside is saved.
    ///
    /// - Precondition: the window lies inside the picture.
    public func decoded(_ window: Window) throws(DataError) -> Picture {
        guard isJPEG else { return window.cut(try decoded()) }
        return try JPEGFile.decode(bytes, window: window, file: file, limits: limits)
    }

    /// The file's size in bytes.
    public var byteCount: Int { bytes.count }

    /// By how much `decoded(atLeast:)` divides both sides: 1, 2, 4 or 8.
    public func divisor(atLeast size: (height: Int, width: Int)) -> Int {
        isJPEG ? JPEGFile.divisor(of: (height, width), atLeast: size) : 1
    }

    /// A JPEG at a half, a quarter or an eighth where that is no smaller than `size`: see `JPEGFile.decode(_:atLeast:)`,
    /// which also says why this is not exact. Any other picture whole.
    public func decoded(atLeast size: (height: Int, width: Int)) throws(DataError) -> Picture {
        guard isJPEG else { return try decoded() }
        return try JPEGFile.decode(bytes, atLeast: size, file: file, limits: limits)
    }
}
