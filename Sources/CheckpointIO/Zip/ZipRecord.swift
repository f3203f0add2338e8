import SafeFiles

/// The two records that a zip archive keeps of each entry.
enum ZipRecord {
    /// Reads the directory record at `offset` and moves past it; `dataOffset` stays open.
    static func central(
        _ bytes: [UInt8], _ offset: inout Int, _ index: Int, _ source: ByteSource
    ) throws(DataError) -> ZipEntry {
        let record = "directory entry \(index)"
        guard bytes.count - offset >= 46, bytes.uint32(at: offset) == 0x0201_4B50 else {
            throw ZipDirectory.refused(source, "a directory record", "other bytes", record)
        }
        let nameCount = Int(bytes.uint16(at: offset + 28))
        let extraCount = Int(bytes.uint16(at: offset + 30))
        let commentCount = Int(bytes.uint16(at: offset + 32))
        let nameStart = offset + 46
        let next = nameStart + nameCount + extraCount + commentCount
        guard next <= bytes.count else {
            throw ZipDirectory.refused(source, "a directory record inside the directory", "one past its end", record)
        }
        let name = try name(bytes[nameStart..<nameStart + nameCount], record, source)
        var size = UInt64(bytes.uint32(at: offset + 24))
        var compressedSize = UInt64(bytes.uint32(at: offset + 20))
        var headerOffset = UInt64(bytes.uint32(at: offset + 42))
        let isWhole = bytes.uint16(at: offset + 34) == 0
        let extra = Array(bytes[nameStart + nameCount..<next - commentCount])
        let isRead = readWide(extra, &size, &compressedSize, &headerOffset)
        guard isRead, isWhole, let exactSize = Int(exactly: size), let exactCompressed = Int(exactly: compressedSize),
            let exactOffset = Int(exactly: headerOffset)
        else {
            throw ZipDirectory.refused(source, "sizes and offsets below 2^63 in one part", "others", "entry '\(name)'")
        }
        guard let method = ZipEntry.Method(rawValue: bytes.uint16(at: offset + 10)) else {
            throw ZipDirectory.refused(
                source, "an entry stored or deflated", "method \(bytes.uint16(at: offset + 10))", "entry '\(name)'")
        }
        let entry = ZipEntry(
            name: name, method: method, compressedSize: exactCompressed, size: exactSize,
            crc: bytes.uint32(at: offset + 16), flags: bytes.uint16(at: offset + 8), headerOffset: exactOffset,
            dataOffset: 0)
        offset = next
        return entry
    }

    /// Reads the entry's local header, which must say the same as the directory, and sets `dataOffset`.
    static func locate(_ entry: inout ZipEntry, _ source: ByteSource, before end: Int) throws(DataError) {
        let record = "entry '\(entry.name)'"
        guard entry.headerOffset <= end, end - entry.headerOffset >= 30 else {
            throw ZipDirectory.refused(
                source, "a local header before byte \(end)", "one at byte \(entry.headerOffset)", record)
        }
        let nameBytes = Array(entry.name.utf8)
        let wanted = min(30 + nameBytes.count, end - entry.headerOffset)
        let header = try source.bytes(entry.headerOffset..<entry.headerOffset + wanted)
        guard header.uint32(at: 0) == 0x0403_4B50, Int(header.uint16(at: 26)) == nameBytes.count,
            header.dropFirst(30).elementsEqual(nameBytes)
        else {
            throw ZipDirectory.refused(source, "a local header of the same name", "another", record)
        }
        guard header.uint16(at: 6) == entry.flags, header.uint16(at: 8) == entry.method.rawValue else {
            throw ZipDirectory.refused(
                source, "flags and method as in the directory", "others in the local header", record)
        }
        if entry.flags & 8 == 0 {
            let sizes = [
                (header.uint32(at: 18), UInt64(entry.compressedSize)), (header.uint32(at: 22), UInt64(entry.size)),
            ]
            guard header.uint32(at: 14) == entry.crc, sizes.allSatisfy({ $0.0 == .max || UInt64($0.0) == $0.1 }) else {
                throw ZipDirectory.refused(
                    source, "sizes and checksum as in the directory", "others in the local header", record)
            }
        }
        entry.dataOffset = entry.headerOffset + 30 + nameBytes.count + Int(header.uint16(at: 28))
    }

    /// Replaces the numbers that the short record marks as too large, in the order of the zip64 field; `false` when one
    /// is missing or fields are damaged.
    private static func readWide(
        _ extra: [UInt8], _ size: inout UInt64, _ compressedSize: inout UInt64, _ headerOffset: inout UInt64
    ) -> Bool {
        var wide: [UInt8] = []
        var offset = 0
        var fieldCount = 0
        while extra.count - offset >= 4 {
            let count = Int(extra.uint16(at: offset + 2))
            guard extra.count - offset - 4 >= count else { return false }
            if extra.uint16(at: offset) == 1 {
                wide = Array(extra[offset + 4..<offset + 4 + count])
                fieldCount += 1
            }
            offset += 4 + count
        }
        guard offset == extra.count, fieldCount <= 1 else { return false }
        var used = 0
        func next(_ number: inout UInt64) -> Bool {
            guard number == 0xFFFF_FFFF else { return true }
            guard wide.count - used >= 8 else { return false }
            number = wide.uint64(at: used)
            used += 8
            return true
        }
        return next(&size) && next(&compressedSize) && next(&headerOffset)
    }

    private static func name(
        _ bytes: ArraySlice<UInt8>, _ record: String, _ source: ByteSource
    ) throws(DataError) -> String {
        guard let name = String(validating: bytes, as: UTF8.self), !name.isEmpty, !bytes.contains(0),
            bytes.count <= ZipDirectory.nameLimit
        else {
            throw ZipDirectory.refused(
                source, "a name of 1 to \(ZipDirectory.nameLimit) bytes in UTF-8", "another", record)
        }
        return name
    }
}
