import SafeFiles

/// Where a zip archive's directory lies, from the records at the file's end.
struct ZipEndRecord: Equatable {
    var entryCount: Int
    /// The directory's bytes in the file.
    var range: Range<Int>

    /// Reads the end record, which must be the file's last 22 bytes, and the zip64 records before it where they stand.
    static func read(_ source: ByteSource) throws(DataError) -> ZipEndRecord {
        guard source.count >= 22 else {
            throw ZipDirectory.refused(source, "a zip archive of 22 bytes or more", "\(source.count) bytes")
        }
        let endOffset = source.count - 22
        let end = try source.bytes(endOffset..<source.count)
        guard end.uint32(at: 0) == 0x0605_4B50, end.uint16(at: 20) == 0 else {
            throw ZipDirectory.refused(source, "the end record of a zip archive as the file's last 22 bytes", "others")
        }
        guard end.uint16(at: 4) == 0, end.uint16(at: 6) == 0 else {
            throw ZipDirectory.refused(source, "an archive in one part", "a part of several")
        }
        var record = Numbers(
            entriesHere: UInt64(end.uint16(at: 8)), entries: UInt64(end.uint16(at: 10)),
            size: UInt64(end.uint32(at: 12)), offset: UInt64(end.uint32(at: 16)))
        var directoryEnd = endOffset
        if endOffset >= 20 {
            let locator = try source.bytes(endOffset - 20..<endOffset)
            if locator.uint32(at: 0) == 0x0706_4B50 {
                directoryEnd = endOffset - 76
                record = try wide(source, locator, at: directoryEnd, narrow: record)
            }
        }
        guard record.entriesHere == record.entries, record.entries <= UInt64(Int32.max) else {
            throw ZipDirectory.refused(source, "at most \(ZipDirectory.entryLimit) entries", "\(record.entries)")
        }
        guard record.offset <= UInt64(directoryEnd), record.size == UInt64(directoryEnd) - record.offset else {
            throw ZipDirectory.refused(
                source, "a directory that ends at byte \(directoryEnd)",
                "\(record.size) bytes from byte \(record.offset)")
        }
        return ZipEndRecord(entryCount: Int(record.entries), range: Int(record.offset)..<directoryEnd)
    }

    private struct Numbers {
        var entriesHere: UInt64
        var entries: UInt64
        var size: UInt64
        var offset: UInt64
    }

    /// The zip64 end record at `start`, of exactly 56 bytes; what the short record also holds must agree.
    private static func wide(
        _ source: ByteSource, _ locator: [UInt8], at start: Int, narrow: Numbers
    ) throws(DataError) -> Numbers {
        guard start >= 0, locator.uint32(at: 4) == 0, locator.uint64(at: 8) == UInt64(start),
            locator.uint32(at: 16) == 1
        else {
            throw ZipDirectory.refused(
                source, "a zip64 end record right before its locator", "one at byte \(locator.uint64(at: 8))")
        }
        let bytes = try source.bytes(start..<start + 56)
        guard bytes.uint32(at: 0) == 0x0606_4B50, bytes.uint64(at: 4) == 44, bytes.uint32(at: 16) == 0,
            bytes.uint32(at: 20) == 0
        else {
            throw ZipDirectory.refused(source, "a zip64 end record of 56 bytes", "another record")
        }
        let wide = Numbers(
            entriesHere: bytes.uint64(at: 24), entries: bytes.uint64(at: 32), size: bytes.uint64(at: 40),
            offset: bytes.uint64(at: 48))
        let agrees =
            [(narrow.entriesHere, wide.entriesHere), (narrow.entries, wide.entries)]
            .allSatisfy { $0.0 == 0xFFFF || $0.0 == $0.1 }
            && [(narrow.size, wide.size), (narrow.offset, wide.offset)].allSatisfy {
                $0.0 == 0xFFFF_FFFF || $0.0 == $0.1
            }
        guard agrees else {
            throw ZipDirectory.refused(source, "two end records that agree", "other numbers in the zip64 record")
        }
        return wide
    }
}
