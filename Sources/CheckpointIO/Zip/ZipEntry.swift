/// One file inside a zip archive.
struct ZipEntry: Sendable, Equatable {
    enum Method: UInt16, Sendable {
        case stored = 0
        case deflated = 8
    }

    var name: String
    var method: Method
    /// Bytes in the archive.
    var compressedSize: Int
    /// Bytes after inflating; the same as `compressedSize` for stored entries.
    var size: Int
    /// Checksum of the inflated bytes.
    var crc: UInt32
    /// General-purpose bits: 3 says that sizes follow the data, 11 that the name is UTF-8.
    var flags: UInt16
    /// Where the entry's local header starts in the file.
    var headerOffset: Int
    /// Where its data start, read from the local header.
    var dataOffset: Int
}
