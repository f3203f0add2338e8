import SafeFiles
import Synchronization

/// An open zip archive whose entries are streamed: nothing is ever extracted, and no entry is held whole.
///
/// Several threads may read; those that inflate wait for each other.
final class ZipArchive: Sendable {
    let source: ByteSource
    let entries: [ZipEntry]
    private let indices: [String: Int]
    /// Absent when nothing has to be inflated; used under `inflating` alone.
    nonisolated(unsafe) private let library: ZipLibrary?
    private let inflating = Mutex<Void>(())
    static let pieceSize = 1 << 20

    /// Checks the whole directory, every local header, and that libzip sees the same archive.
    init(_ source: ByteSource) throws(DataError) {
        entries = try ZipDirectory.read(source)
        let second = try ZipLibrary(source, agreeingWith: entries)
        library = entries.contains { $0.method == .deflated } ? second : nil
        var indices: [String: Int] = [:]
        for (index, entry) in entries.enumerated() { indices[entry.name] = index }
        self.indices = indices
        self.source = source
    }

    /// The entry of a name, if there is one.
    subscript(name: String) -> ZipEntry? { indices[name].map { entries[$0] } }

    /// All bytes of an entry, checked against its checksum.
    ///
    /// - Parameter limit: the largest size that is read.
    func bytes(of entry: ZipEntry, limit: Int) throws(DataError) -> [UInt8] {
        guard entry.size <= limit else {
            throw ZipDirectory.refused(
                source, "at most \(limit) bytes", "\(entry.size)", "entry '\(entry.name)'",
                "check that this is the right file")
        }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(entry.size)
        try stream(entry) { piece, _ throws(DataError) in bytes.append(contentsOf: piece) }
        return bytes
    }

    /// The first bytes of an entry, without a look at its checksum.
    func prefix(of entry: ZipEntry, _ count: Int) throws(DataError) -> [UInt8] {
        let wanted = min(count, entry.size)
        if entry.method == .stored { return try source.bytes(entry.dataOffset..<entry.dataOffset + wanted) }
        var bytes: [UInt8] = []
        try inflate(entry, pieceSize: 4096) { piece, _ throws(DataError) in
            bytes.append(contentsOf: piece.prefix(wanted - bytes.count))
            return bytes.count < wanted
        }
        return bytes
    }

    /// Hands an entry's bytes to `body` in pieces, in order, and checks the checksum at the end.
    ///
    /// - Throws: `DataError` when the data are damaged; what `body` received before is then worth nothing.
    func stream(
        _ entry: ZipEntry, _ body: (UnsafeRawBufferPointer, _ offset: Int) throws(DataError) -> Void
    ) throws(DataError) {
        var sum = CRC32()
        if entry.method == .deflated {
            try inflate(entry, pieceSize: Self.pieceSize) { piece, offset throws(DataError) in
                sum.update(piece)
                try body(piece, offset)
                return true
            }
        } else {
            let buffer = UnsafeMutableRawBufferPointer.allocate(
                byteCount: max(1, min(Self.pieceSize, entry.size)), alignment: 64)
            defer { buffer.deallocate() }
            var done = 0
            while done < entry.size {
                let piece = UnsafeMutableRawBufferPointer(rebasing: buffer[0..<min(buffer.count, entry.size - done)])
                try source.read(at: entry.dataOffset + done, into: piece)
                sum.update(UnsafeRawBufferPointer(piece))
                try body(UnsafeRawBufferPointer(piece), done)
                done += piece.count
            }
        }
        guard sum.value == entry.crc else {
            throw ZipDirectory.refused(
                source, "data with checksum \(String(entry.crc, radix: 16))", String(sum.value, radix: 16),
                "entry '\(entry.name)'", "copy or download the file again")
        }
    }

    private func inflate(
        _ entry: ZipEntry, pieceSize: Int,
        _ body: (UnsafeRawBufferPointer, _ offset: Int) throws(DataError) -> Bool
    ) throws(DataError) {
        let index = indices[entry.name]!
        let result: Result<Void, DataError> = inflating.withLock { _ in
            Result { () throws(DataError) in try library!.inflate(index, entry, pieceSize: pieceSize, body) }
        }
        try result.get()
    }
}
