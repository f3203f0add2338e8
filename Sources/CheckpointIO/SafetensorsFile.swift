import SafeFiles

/// An open safetensors file: the header is read and checked, tensors are read on demand.
///
/// Holds one descriptor until it is released. Reads are positional, so several threads may read at once.
public final class SafetensorsFile: TensorArchive {
    public let header: SafetensorsHeader
    private let source: ByteSource

    public var path: String { source.path }
    public var entries: [TensorEntry] {
        header.entries.map { TensorEntry(name: $0.name, type: $0.type, shape: $0.shape) }
    }

    /// Opens a file and checks its whole header.
    ///
    /// - Throws: `DataError`: missing file, or the rule that the file breaks.
    public convenience init(path: String) throws(DataError) {
        try self.init(ByteSource(path: path, expected: "a readable safetensors file"))
    }

    init(_ source: ByteSource) throws(DataError) {
        let prefix = try source.bytes(0..<min(8, source.count))
        let range = try SafetensorsHeader.textRange(prefix: prefix, fileSize: source.count, file: source.path)
        header = try SafetensorsHeader(text: source.bytes(range), fileSize: source.count, file: source.path)
        self.source = source
    }

    /// The little-endian bytes of a tensor, row-major.
    ///
    /// - Throws: `DataError` if the name is unknown or the file shrank since it was opened.
    public func bytes(of name: String) throws(DataError) -> [UInt8] {
        try source.bytes(try entry(name).byteRange)
    }

    /// Reads a tensor's bytes into memory of exactly its size.
    public func read(_ name: String, into buffer: UnsafeMutableRawBufferPointer) throws(DataError) {
        let range = try entry(name).byteRange
        precondition(buffer.count == range.count, "read '\(name)': \(buffer.count) bytes for \(range.count)")
        try source.read(at: range.lowerBound, into: buffer)
    }

    public func find(_ name: String) -> TensorEntry? {
        header[name].map { TensorEntry(name: $0.name, type: $0.type, shape: $0.shape) }
    }

    /// Reads part of a tensor's bytes.
    ///
    /// - Precondition: the part lies within the tensor.
    public func read(
        _ name: String, from offset: Int, into buffer: UnsafeMutableRawBufferPointer
    ) throws(DataError) {
        let range = try entry(name).byteRange
        precondition(
            offset >= 0 && offset + buffer.count <= range.count,
            "read '\(name)': \(buffer.count) bytes at \(offset) of \(range.count)")
        try source.read(at: range.lowerBound + offset, into: buffer)
    }

    /// - Throws: `DataError` naming the tensor when the file does not hold it.
    public func entry(_ name: String) throws(DataError) -> SafetensorsHeader.Entry {
        guard let entry = header[name] else {
            throw DataError(
                .malformed, file: path, record: "tensor '\(name)'", expected: "a tensor of that name",
                found: "\(header.entries.count) others", remedy: "list the names with dmt model info")
        }
        return entry
    }
}
