import SafeFiles

/// An open PyTorch checkpoint (`.pth`, `.pt`, `.pth.tar` as `torch.save` writes them since 1.6).
///
/// The whole archive and its pickle are checked on opening; nothing in the file is ever executed. Numbers are read on
/// demand, and each read checks the record's checksum. Several threads may read at once.
public final class PyTorchFile: Sendable {
    /// Everything the checkpoint holds, as a tree.
    public let value: PyTorchValue
    let archive: ZipArchive
    private let prefix: String

    public var path: String { archive.source.path }

    /// Opens a checkpoint.
    ///
    /// - Throws: `DataError`: missing file, another format with the way to convert it, or the rule that the file breaks.
    public convenience init(path: String) throws(DataError) {
        let source = try ByteSource(path: path, expected: "a readable PyTorch checkpoint")
        let format = try CheckpointFormat(of: source)
        guard format == .zip else { throw format.refused(source.path, expected: "a PyTorch checkpoint") }
        try self.init(ZipArchive(source))
    }

    init(_ archive: ZipArchive) throws(DataError) {
        self.archive = archive
        prefix = try Self.checkedPrefix(archive)
        try Self.checkRecords(archive, prefix)
        guard let pickle = archive[prefix + "data.pkl"] else {
            throw ZipDirectory.refused(archive.source, "a record data.pkl", "none")
        }
        let bytes = try archive.bytes(of: pickle, limit: PickleMachine.byteLimit)
        let contents = try PickleMachine.read(bytes, file: archive.source.path)
        for storage in contents.storages.values.sorted(by: { $0.key < $1.key }) {
            let name = "data/\(storage.key)"
            guard let entry = archive[prefix + name] else {
                throw ZipDirectory.refused(archive.source, "a record \(name)", "none")
            }
            guard entry.size == storage.byteCount else {
                throw ZipDirectory.refused(
                    archive.source, "\(storage.byteCount) bytes for \(storage.count) of \(storage.type.rawValue)",
                    "\(entry.size)", "record \(name)")
            }
        }
        value = contents.value
    }

    /// Reads a tensor, row-major and little-endian, into memory of exactly its size.
    ///
    /// The storage streams by once, whatever the strides, and is checked against its checksum: beside the tensor itself
    /// this takes a megabyte.
    public func read(_ tensor: PyTorchTensor, into buffer: UnsafeMutableRawBufferPointer) throws(DataError) {
        precondition(buffer.count == tensor.byteCount, "read: \(buffer.count) bytes for \(tensor.byteCount)")
        guard let target = buffer.baseAddress, tensor.count > 0 else { return }
        guard let entry = archive[prefix + "data/\(tensor.storage.key)"], entry.size == tensor.storage.byteCount else {
            preconditionFailure("a tensor of another file")
        }
        let elementSize = tensor.type.bitCount / 8
        let gather = StridedGather(
            shape: tensor.shape, strides: tensor.strides, offset: tensor.offset, elementSize: elementSize)
        try archive.stream(entry) { piece, offset throws(DataError) in
            gather.copy(from: piece, at: offset / elementSize, to: target)
        }
    }

    /// The one folder that all records lie in, with its slash.
    private static func checkedPrefix(_ archive: ZipArchive) throws(DataError) -> String {
        guard let first = archive.entries.first, let slash = first.name.firstIndex(of: "/") else {
            throw ZipDirectory.refused(archive.source, "records inside one folder", "others", nil, foreignRemedy)
        }
        let prefix = String(first.name[...slash])
        for entry in archive.entries where !entry.name.hasPrefix(prefix) {
            throw ZipDirectory.refused(
                archive.source, "records inside the folder '\(prefix)'", "'\(entry.name)'", nil, foreignRemedy)
        }
        return prefix
    }

    private static func checkRecords(_ archive: ZipArchive, _ prefix: String) throws(DataError) {
        if archive[prefix + "constants.pkl"] != nil {
            throw ZipDirectory.refused(
                archive.source, "a checkpoint of weights", "a TorchScript program", nil,
                "save its weights: torch.save(torch.jit.load(F).state_dict(), G)")
        }
        for entry in archive.entries where entry.method != .stored {
            throw ZipDirectory.refused(
                archive.source, "records without compression", "a deflated one", "entry '\(entry.name)'",
                "write the file again with torch.save")
        }
        if let entry = archive[prefix + "byteorder"] {
            let order = try archive.bytes(of: entry, limit: 64)
            guard order == Array("little".utf8) else {
                throw ZipDirectory.refused(
                    archive.source, "byte order 'little'", "'\(String(decoding: order, as: UTF8.self))'",
                    "record byteorder", "write the file again on a little-endian machine")
            }
        }
        guard let entry = archive[prefix + "version"] else {
            throw ZipDirectory.refused(archive.source, "a record version", "none", nil, foreignRemedy)
        }
        let text = String(decoding: try archive.bytes(of: entry, limit: 64), as: UTF8.self)
        let digits = text.hasSuffix("\n") ? text.dropLast() : text[...]
        guard let version = Int(digits), (1...10).contains(version) else {
            throw ZipDirectory.refused(archive.source, "version 1 to 10", "'\(digits)'", "record version")
        }
    }

    private static let foreignRemedy = "check that torch.save wrote this file"
}
