import SafeFiles

/// The entries of a zip archive, read by a parser that accepts one reading only.
///
/// Goals, in order: 1 two readers must never see two archives in one file: no comment or other tail, no gap between the
/// directory and its end record, local headers that agree with the directory, no repeated names, no overlaps; 2 never
/// allocate more than the directory's own size; 3 read what `torch.save` and `numpy.savez` write, zip64 included.
///
/// - Source: PKWARE APPNOTE 6.3.10, §4.3 (records) and §4.5.3 (zip64).
enum ZipDirectory {
    static let entryLimit = 100_000
    static let nameLimit = 4096
    /// The largest ratio of inflated to deflated bytes, for entries above `ratioFreeSize`.
    static let ratioLimit = 200
    static let ratioFreeSize = 1 << 20
    /// Bits that are understood: the level of deflating, sizes after the data, UTF-8 names.
    private static let knownFlags: UInt16 = 0x080E

    static func read(_ source: ByteSource) throws(DataError) -> [ZipEntry] {
        let place = try ZipEndRecord.read(source)
        guard place.entryCount <= entryLimit else {
            throw refused(source, "at most \(entryLimit) entries", "\(place.entryCount)")
        }
        guard place.range.count / 46 >= place.entryCount else {
            throw refused(
                source, "a directory of \(place.entryCount) entries", "a directory of \(place.range.count) bytes")
        }
        let bytes = try source.bytes(place.range)
        var entries: [ZipEntry] = []
        var names: Set<String> = []
        var offset = 0
        for index in 0..<place.entryCount {
            var record = try ZipRecord.central(bytes, &offset, index, source)
            try check(&record, index, source)
            guard names.insert(record.name).inserted else {
                throw refused(source, "entry names that differ", "'\(record.name)' twice")
            }
            entries.append(record)
        }
        guard offset == bytes.count else {
            throw refused(
                source, "a directory that ends with its last entry", "\(bytes.count - offset) bytes after it")
        }
        for index in entries.indices { try ZipRecord.locate(&entries[index], source, before: place.range.lowerBound) }
        try checkOverlaps(entries, source, before: place.range.lowerBound)
        return entries
    }

    private static func check(_ entry: inout ZipEntry, _ index: Int, _ source: ByteSource) throws(DataError) {
        let record = "entry '\(entry.name)'"
        guard entry.flags & ~knownFlags == 0 else {
            throw refused(
                source, "an entry without encryption or patches", "flags 0x\(String(entry.flags, radix: 16))", record)
        }
        if entry.method == .stored && entry.size != entry.compressedSize {
            throw refused(source, "\(entry.size) stored bytes", "\(entry.compressedSize)", record)
        }
        if entry.method == .deflated && entry.size > ratioFreeSize && entry.size / ratioLimit > entry.compressedSize {
            throw refused(
                source, "at most \(ratioLimit) inflated bytes for one deflated",
                "\(entry.size) from \(entry.compressedSize)", record,
                "write the file again without compression, as numpy.savez does")
        }
    }

    private static func checkOverlaps(
        _ entries: [ZipEntry], _ source: ByteSource, before end: Int
    ) throws(DataError) {
        let sorted = entries.sorted { $0.headerOffset < $1.headerOffset }
        for (index, entry) in sorted.enumerated() {
            let limit = index + 1 < sorted.count ? sorted[index + 1].headerOffset : end
            guard entry.dataOffset <= limit, entry.compressedSize <= limit - entry.dataOffset else {
                throw refused(
                    source, "entries that do not overlap", "data past byte \(limit)", "entry '\(entry.name)'")
            }
        }
    }

    static func refused(
        _ source: ByteSource, _ expected: String, _ found: String, _ record: String? = nil,
        _ remedy: String = "check that the file is complete, or write it again"
    ) -> DataError {
        DataError(
            .malformed, file: source.path, record: record, expected: expected, found: found, remedy: remedy)
    }
}
