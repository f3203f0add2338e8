import SafeFiles

/// An open NumPy file: the arrays of a `.npz` archive, or the one of a `.npy` file under the name `arr_0`.
///
/// Headers are read and checked on opening, numbers on demand. Objects are refused: reading them would run Python.
public final class NumPyFile: TensorArchive {
    public let path: String
    public let entries: [TensorEntry]
    private let arrays: [String: Array]
    private let backing: Backing

    private struct Array: Sendable {
        var header: NumPyHeader
        /// The array's entry in an archive.
        var entry: ZipEntry?
    }

    private enum Backing: Sendable {
        case archive(ZipArchive)
        case array(ByteSource)
    }

    /// Opens a file of either kind, by its bytes.
    ///
    /// - Throws: `DataError`: missing file, another format, or the rule that the file breaks.
    public convenience init(path: String) throws(DataError) {
        let source = try ByteSource(path: path, expected: "a readable NumPy file")
        let format = try CheckpointFormat(of: source)
        switch format {
        case .zip: try self.init(ZipArchive(source))
        case .numPyArray: try self.init(array: source)
        default: throw format.refused(path, expected: "a NumPy file (.npz, .npy)")
        }
    }

    /// Whether all entries of an archive are named like arrays.
    static func isPlausible(_ archive: ZipArchive) -> Bool {
        archive.entries.allSatisfy { $0.name.hasSuffix(".npy") }
    }

    init(_ archive: ZipArchive) throws(DataError) {
        path = archive.source.path
        backing = .archive(archive)
        var entries: [TensorEntry] = []
        var arrays: [String: Array] = [:]
        for entry in archive.entries {
            let record = "entry '\(entry.name)'"
            guard entry.name.hasSuffix(".npy"), entry.name.utf8.count > 4 else {
                throw ZipDirectory.refused(
                    archive.source, "entries named *.npy", "another", record, "check that numpy.savez wrote this file")
            }
            var prefix = try archive.prefix(of: entry, NumPyHeader.usualPrefixSize)
            let wanted = NumPyHeader.prefixSize(prefix)
            if wanted > prefix.count { prefix = try archive.prefix(of: entry, wanted) }
            let header = try NumPyHeader(prefix, size: entry.size, file: path, record: record)
            let name = String(entry.name.dropLast(4))
            arrays[name] = Array(header: header, entry: entry)
            entries.append(TensorEntry(name: name, type: header.type, shape: header.shape))
        }
        self.entries = entries
        self.arrays = arrays
    }

    init(array source: ByteSource) throws(DataError) {
        path = source.path
        backing = .array(source)
        let start = try source.bytes(0..<min(source.count, NumPyHeader.usualPrefixSize))
        let prefix = try source.bytes(0..<min(source.count, NumPyHeader.prefixSize(start)))
        let header = try NumPyHeader(prefix, size: source.count, file: path, record: nil)
        arrays = ["arr_0": Array(header: header)]
        entries = [TensorEntry(name: "arr_0", type: header.type, shape: header.shape)]
    }

    public func find(_ name: String) -> TensorEntry? {
        arrays[name].map { TensorEntry(name: name, type: $0.header.type, shape: $0.header.shape) }
    }

    public func read(_ name: String, into buffer: UnsafeMutableRawBufferPointer) throws(DataError) {
        guard let array = arrays[name] else {
            _ = try entry(name)
            return
        }
        let header = array.header
        precondition(buffer.count == header.byteCount, "read '\(name)': \(buffer.count) bytes for \(header.byteCount)")
        guard let target = buffer.baseAddress, header.count > 0 else { return }
        let elementSize = header.type.bitCount / 8
        // The header counts as so many elements before the first.
        let gather = StridedGather(
            shape: header.shape, strides: header.strides, offset: header.dataOffset / elementSize,
            elementSize: elementSize)
        switch backing {
        case .archive(let archive):
            try archive.stream(array.entry!) { piece, offset throws(DataError) in
                gather.copy(from: piece, at: offset / elementSize, to: target)
            }
        case .array(let source):
            let room = UnsafeMutableRawBufferPointer.allocate(byteCount: ZipArchive.pieceSize, alignment: 64)
            defer { room.deallocate() }
            var offset = header.dataOffset
            while offset < source.count {
                let piece = UnsafeMutableRawBufferPointer(rebasing: room[0..<min(room.count, source.count - offset)])
                try source.read(at: offset, into: piece)
                gather.copy(from: UnsafeRawBufferPointer(piece), at: offset / elementSize, to: target)
                offset += piece.count
            }
        }
    }
}
