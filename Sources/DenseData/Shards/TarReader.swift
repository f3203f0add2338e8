import SafeFiles

/// The members of a plain tar archive, in order. Only headers are read, and what is asked for.
///
/// Reads old, ustar, GNU (long names) and pax archives (`path`, `size`). Nothing that an archive says is trusted: sizes
/// are checked against the file, and names are names, never paths. What is no whole archive is `.malformed`, with the
/// archive and the byte: one without an end marker was cut off. Compressed archives are refused, for their members cannot
/// be reached one by one.
struct TarReader: ~Copyable {
    struct Member: Equatable {
        var name: String
        /// Where its data starts.
        var offset: Int
        var size: Int
        /// False for a link or sparse file: its data is elsewhere or incomplete.
        var isWhole: Bool
    }

    /// The largest long name or set of pax records.
    private static let longest = 1 << 20
    /// Bytes read at once: a small member and the header behind it.
    private static let windowSize = 4096

    private let file: OpenFile
    private var position = 0
    private var window: (start: Int, bytes: [UInt8]) = (0, [])

    init(_ path: String) throws(DataError) {
        let file = try OpenFile(path)
        try Self.refuseCompressed(file)
        self.file = file
    }

    private static func refuseCompressed(_ file: borrowing OpenFile) throws(DataError) {
        let start = try file.read(at: 0, count: min(file.size, 6))
        for (name, magic) in compressions where start.starts(with: magic) {
            throw DataError(
                .malformed, file: file.path, expected: "a plain tar archive", found: "one compressed with \(name)",
                remedy: "decompress it: members of a compressed archive cannot be read one by one")
        }
    }

    private static let compressions: [(String, [UInt8])] = [
        ("gzip", [0x1f, 0x8b]), ("bzip2", [0x42, 0x5a, 0x68]), ("xz", [0xfd, 0x37, 0x7a, 0x58, 0x5a]),
        ("zstd", [0x28, 0xb5, 0x2f, 0xfd]), ("lz4", [0x04, 0x22, 0x4d, 0x18]),
    ]

    /// The next file, or nil at the archive's end.
    mutating func next() throws(DataError) -> Member? {
        var longName: [UInt8]?
        var records = PaxRecords()
        while true {
            let at = position
            guard let header = try header(at: at) else {
                guard longName == nil, records == PaxRecords() else {
                    throw malformed(at, "a member after its long name", "the archive's end marker")
                }
                try demandNothing(from: at + TarHeader.blockSize)
                return nil
            }
            let data = at + TarHeader.blockSize
            switch header.kind {
            case .longName:
                longName = Array(try payload(of: header, at: data).prefix { $0 != 0 })
            case .extended:
                let bytes = try payload(of: header, at: data)
                do throws(TarFault) { records = try PaxRecords(bytes) } catch {
                    throw malformed(at, error.expected, error.found)
                }
            case .remark:
                try pass(header.size, from: data)
            case .bare, .unknown:
                try pass(header.kind == .bare ? 0 : records.size ?? header.size, from: data)
                (longName, records) = (nil, PaxRecords())
            case .file, .link, .sparse:
                guard let name = String(validating: records.path ?? longName ?? header.name, as: UTF8.self) else {
                    throw malformed(at, "a member's name in UTF-8", "other bytes")
                }
                let size = header.kind == .link ? 0 : records.size ?? header.size
                try pass(size, from: data, name)
                return Member(
                    name: name, offset: data, size: size, isWhole: header.kind == .file && !records.isSparse)
            }
        }
    }

    /// The data of a member of this archive.
    mutating func contents(of member: Member) throws(DataError) -> [UInt8] {
        try bytes(at: member.offset, count: member.size)
    }

    private mutating func header(at offset: Int) throws(DataError) -> TarHeader? {
        guard file.size - offset >= TarHeader.blockSize else {
            throw malformed(offset, "a header or the archive's end marker", "\(file.size - offset) bytes")
        }
        let block = try bytes(at: offset, count: TarHeader.blockSize)
        do throws(TarFault) { return try TarHeader(block[...]) } catch {
            throw malformed(offset, error.expected, error.found)
        }
    }

    /// The data of a header that describes the next one.
    private mutating func payload(of header: TarHeader, at data: Int) throws(DataError) -> [UInt8] {
        guard header.size <= Self.longest else {
            throw malformed(data, "a long name of at most \(Self.longest) bytes", "\(header.size)")
        }
        try pass(header.size, from: data)
        return try bytes(at: data, count: header.size)
    }

    /// Moves behind data and the zeros that fill its last block.
    private mutating func pass(_ size: Int, from data: Int, _ name: String? = nil) throws(DataError) {
        let left = file.size - data
        guard size <= left, (size + TarHeader.blockSize - 1) / TarHeader.blockSize * TarHeader.blockSize <= left else {
            throw malformed(data, "\(size) bytes of \(name ?? "a member")", "\(left) before the file's end")
        }
        position = data + (size + TarHeader.blockSize - 1) / TarHeader.blockSize * TarHeader.blockSize
    }

    /// Archives that were joined end to end would lose all but the first.
    private mutating func demandNothing(from start: Int) throws(DataError) {
        var at = start
        while at < file.size {
            let piece = try file.read(at: at, count: min(1 << 16, file.size - at))
            if let place = piece.firstIndex(where: { $0 != 0 }) {
                throw malformed(at + place, "nothing behind the archive's end marker", "more data")
            }
            at += piece.count
        }
        position = start
    }

    private mutating func bytes(at offset: Int, count: Int) throws(DataError) -> [UInt8] {
        let start = offset - window.start
        if start >= 0, start <= window.bytes.count, count <= window.bytes.count - start {
            return Array(window.bytes[start..<start + count])
        }
        if count > Self.windowSize { return try file.read(at: offset, count: count) }
        window = (offset, try file.read(at: offset, count: min(Self.windowSize, file.size - offset)))
        return Array(window.bytes.prefix(count))
    }

    private func malformed(_ byte: Int, _ expected: String, _ found: String) -> DataError {
        DataError(
            .malformed, file: file.path, record: "byte \(byte)", expected: expected, found: found,
            remedy: "fetch or write the archive again")
    }
}
