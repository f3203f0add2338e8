import SafeFiles

/// Named tensors of a file, whatever its format; numbers are read on demand.
///
///     let archive = try CheckpointArchive.open("mae_pretrain_vit_base.pth", keyPath: ["model"])
///     for entry in archive.entries where !entry.name.hasPrefix("decoder_") {
///         weights[entry.name] = try archive.floats(of: entry.name)
///     }
public protocol TensorArchive: Sendable {
    var path: String { get }
    /// In the order of the file; names differ.
    var entries: [TensorEntry] { get }

    /// The entry of a name, if the archive has one.
    func find(_ name: String) -> TensorEntry?

    /// Reads a tensor, row-major and little-endian, into memory of exactly its size.
    ///
    /// - Throws: `DataError` for an unknown name or damaged data.
    func read(_ name: String, into buffer: UnsafeMutableRawBufferPointer) throws(DataError)
}

/// What an archive says of one tensor.
public struct TensorEntry: Sendable, Equatable {
    public let name: String
    /// The type of the numbers, in the words of safetensors.
    public let type: SafetensorsType
    public let shape: [Int]

    public init(name: String, type: SafetensorsType, shape: [Int]) {
        self.name = name
        self.type = type
        self.shape = shape
    }

    /// Number of elements; 1 for rank 0.
    public var count: Int { shape.reduce(1, *) }
    public var byteCount: Int { (count * type.bitCount) / 8 }
}

extension TensorArchive {
    /// The little-endian bytes of a tensor, row-major.
    public func bytes(of name: String) throws(DataError) -> [UInt8] {
        var failure: DataError?
        let count = try entry(name).byteCount
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            do throws(DataError) {
                try read(
                    name,
                    into: UnsafeMutableRawBufferPointer(rebasing: UnsafeMutableRawBufferPointer(buffer)[0..<count]))
                filled = count
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
        return bytes
    }

    /// - Throws: `DataError` naming the tensor when the archive does not hold it.
    public func entry(_ name: String) throws(DataError) -> TensorEntry {
        guard let entry = find(name) else {
            throw DataError(
                .malformed, file: path, record: "tensor '\(name)'", expected: "a tensor of that name",
                found: "\(entries.count) others", remedy: "list the names with dmt model info")
        }
        return entry
    }
}
