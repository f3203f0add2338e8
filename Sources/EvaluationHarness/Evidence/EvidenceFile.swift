import CheckpointIO
import Determinism
import JSONText
import SafeFiles

/// A tensor of an evidence file.
struct EvidenceColumn: Sendable {
    var name: String
    var type: SafetensorsType
    var shape: [Int]
    var bytes: [UInt8]

    /// - Parameter rows: makes a table of so many rows of equal length; nil for a plain list.
    init<Value: EvidenceValue>(_ name: String, _ values: [Value], rows: Int? = nil) {
        self.name = name
        type = Value.fileType
        shape = rows.map { [$0, values.count / max(1, $0)] } ?? [values.count]
        bytes = values.withUnsafeBytes { Array($0) }
    }
}

/// The types of numbers that evidence is written in; all supported machines are little-endian like the format.
protocol EvidenceValue {
    static var fileType: SafetensorsType { get }
}

extension UInt8: EvidenceValue { static var fileType: SafetensorsType { .u8 } }
extension UInt16: EvidenceValue { static var fileType: SafetensorsType { .u16 } }
extension UInt32: EvidenceValue { static var fileType: SafetensorsType { .u32 } }
extension UInt64: EvidenceValue { static var fileType: SafetensorsType { .u64 } }
extension Int32: EvidenceValue { static var fileType: SafetensorsType { .i32 } }
extension Int64: EvidenceValue { static var fileType: SafetensorsType { .i64 } }
extension Double: EvidenceValue { static var fileType: SafetensorsType { .f64 } }

/// An open evidence file, read strictly: every tensor must be asked for, and have the type and shape of its kind.
final class EvidenceFile {
    private let file: SafetensorsFile
    private let metadata: [String: String]
    private var asked: Set<String> = []

    init(_ path: String) throws(DataError) {
        file = try SafetensorsFile(path: path)
        metadata = file.header.metadata
    }

    func has(_ name: String) -> Bool { file.find(name) != nil }

    func text(_ key: String) throws(DataError) -> String {
        guard let text = metadata[key] else { throw refused("metadata '\(key)'", "a text", "nothing") }
        return text
    }

    func optionalText(_ key: String) -> String { metadata[key] ?? "" }

    /// The numbers of a tensor.
    ///
    /// - Parameters:
    ///   - rows: of a table; nil for a plain list.
    ///   - count: length of the list or of each row; nil for any.
    func values<Value: EvidenceValue>(
        _ name: String, of _: Value.Type, rows: Int? = nil, count: Int? = nil
    ) throws(DataError) -> [Value] {
        asked.insert(name)
        guard let entry = file.find(name) else { throw refused(name, "a tensor of that name", "none") }
        guard entry.type == Value.fileType else {
            throw refused(name, Value.fileType.rawValue, entry.type.rawValue)
        }
        let length = count ?? entry.shape.last ?? 0
        let shape = rows.map { [$0, length] } ?? [length]
        guard entry.shape == shape else { throw refused(name, "shape \(shape)", "\(entry.shape)") }
        let bytes = try file.bytes(of: name)
        return [Value](unsafeUninitializedCapacity: entry.count) { buffer, filled in
            bytes.withUnsafeBytes { UnsafeMutableRawBufferPointer(buffer).copyMemory(from: $0) }
            filled = entry.count
        }
    }

    /// A list of names, kept as JSON text in a tensor of bytes.
    func names(_ name: String) throws(DataError) -> [String] {
        let bytes = try values(name, of: UInt8.self)
        guard case .array(let items)? = try? JSONValue.parse(bytes, file: file.path) else {
            throw refused(name, "a JSON array of names", "other text")
        }
        var names: [String] = []
        for item in items {
            guard case .string(let text) = item else { throw refused(name, "a JSON array of names", "another value") }
            names.append(text)
        }
        return names
    }

    func assertAllRead() throws(DataError) {
        for entry in file.entries where !asked.contains(entry.name) {
            throw refused(entry.name, "the tensors of its kind alone", "a tensor too many")
        }
    }

    func refused(_ record: String, _ expected: String, _ found: String) -> DataError {
        DataError(
            .malformed, file: file.path, record: record, expected: expected, found: found,
            remedy: "the file is damaged or of another version: evaluate again")
    }

    /// Writes a file atomically, with a checksum over all of it; equal contents give equal bytes.
    static func write(_ columns: [EvidenceColumn], metadata: [String: String], to path: String) throws(DataError) {
        var metadata = metadata
        metadata[SealedFile.key] = SealedFile.zeroText
        try AtomicFile.write(SealedFile.sealed(encoded(columns, metadata: metadata)), to: path)
    }

    /// The bytes of a file, without a checksum.
    static func encoded(_ columns: [EvidenceColumn], metadata: [String: String]) -> [UInt8] {
        // One block, so that every item points into memory that stays.
        var block: [UInt8] = []
        block.reserveCapacity(columns.reduce(0) { $0 + $1.bytes.count })
        for column in columns { block += column.bytes }
        return block.withUnsafeBytes { memory in
            var start = 0
            let items = columns.map { column in
                defer { start += column.bytes.count }
                return SafetensorsWriter.Item(
                    name: column.name, type: column.type, shape: column.shape,
                    bytes: UnsafeRawBufferPointer(rebasing: memory[start..<start + column.bytes.count]))
            }
            return SafetensorsWriter.encode(items, metadata: metadata)
        }
    }
}
