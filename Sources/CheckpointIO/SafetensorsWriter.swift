import JSONText
import SafeFiles

/// Writes safetensors files: header first byte `{`, padded with spaces to a multiple of 8; tensors by element size,
/// widest first, then by name, so that each one is aligned. Equal contents give equal bytes.
public enum SafetensorsWriter {
    /// A tensor to write: little-endian bytes, row-major.
    public struct Item {
        public var name: String
        public var type: SafetensorsType
        public var shape: [Int]
        public var bytes: UnsafeRawBufferPointer

        public init(name: String, type: SafetensorsType, shape: [Int], bytes: UnsafeRawBufferPointer) {
            self.name = name
            self.type = type
            self.shape = shape
            self.bytes = bytes
        }
    }

    /// The bytes of a file.
    ///
    /// - Precondition: names are distinct, not empty, not `__metadata__` and without NUL; each item has the bytes of its
    ///   shape.
    public static func encode(_ items: [Item], metadata: [String: String] = [:]) -> [UInt8] {
        let items = items.sorted { (-$0.type.bitCount, $0.name) < (-$1.type.bitCount, $1.name) }
        precondition(Set(items.map(\.name)).count == items.count, "safetensors: two tensors of one name")
        var members: [(String, JSONValue)] = []
        if !metadata.isEmpty {
            for key in metadata.keys { precondition(!key.utf8.contains(0), "safetensors: metadata key with NUL") }
            members.append(
                ("__metadata__", .object(metadata.sorted { $0.key < $1.key }.map { ($0.key, .string($0.value)) })))
        }
        var offset = 0
        for item in items {
            let name = item.name
            precondition(
                !name.isEmpty && name != "__metadata__" && !name.utf8.contains(0), "safetensors: tensor name '\(name)'")
            let bits = item.shape.reduce(1, *) * item.type.bitCount
            precondition(
                item.bytes.count * 8 == bits,
                "safetensors: '\(name)' \(item.shape): \(item.bytes.count) bytes, \(bits) bits")
            members.append(
                (
                    name,
                    .object([
                        ("dtype", .string(item.type.rawValue)),
                        ("shape", .array(item.shape.map { .int(Int64($0)) })),
                        ("data_offsets", .array([.int(Int64(offset)), .int(Int64(offset + item.bytes.count))])),
                    ])
                ))
            offset += item.bytes.count
        }
        var header = Array(JSONValue.object(members).text().utf8)
        while header.count % 8 != 0 { header.append(UInt8(ascii: " ")) }
        var file: [UInt8] = []
        file.reserveCapacity(8 + header.count + offset)
        for shift in stride(from: 0, to: 64, by: 8) { file.append(UInt8(truncatingIfNeeded: header.count >> shift)) }
        file += header
        for item in items { file.append(contentsOf: item.bytes) }
        return file
    }

    /// Writes a file atomically.
    public static func write(
        _ items: [Item], metadata: [String: String] = [:], to path: String
    ) throws(DataError) {
        try AtomicFile.write(encode(items, metadata: metadata), to: path)
    }
}
