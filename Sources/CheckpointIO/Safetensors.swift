import SafeFiles
import TensorCore

/// Checkpoints in the safetensors format as named tensors and a string map.
public enum Safetensors {
    public struct Contents {
        public var tensors: [String: Tensor]
        public var metadata: [String: String]
    }

    /// Reads all tensors of a file, or those that `wanted` accepts.
    ///
    /// | in the file | in memory |
    /// |:--|:--|
    /// | F32, F64, BF16, I32, U8 | the same |
    /// | F16 | f32, exact |
    /// | BOOL | u8, 0 or 1 |
    /// | I8, I16, U16, I64, U32, U64 | i32, refused where a value does not fit |
    ///
    /// - Throws: `DataError` for a missing or malformed file, or a tensor of a type with no equal here.
    public static func load(
        _ path: String, where wanted: (String) -> Bool = { _ in true }
    ) throws(DataError) -> Contents {
        let file = try SafetensorsFile(path: path)
        var tensors: [String: Tensor] = [:]
        for entry in file.header.entries where wanted(entry.name) {
            tensors[entry.name] = try tensor(entry, file)
        }
        var metadata: [String: String] = [:]
        for (key, value) in file.header.metadata { metadata[key] = value }
        return Contents(tensors: tensors, metadata: metadata)
    }

    /// Writes tensors of any `DType` atomically; equal contents give equal bytes.
    ///
    /// - Precondition: no name is empty or `__metadata__`.
    public static func write(
        _ tensors: [String: Tensor], metadata: [String: String] = [:], to path: String
    ) throws(DataError) {
        try SafetensorsWriter.write(items(tensors), metadata: metadata, to: path)
    }

    /// The bytes that `write` would write.
    public static func encode(_ tensors: [String: Tensor], metadata: [String: String] = [:]) -> [UInt8] {
        SafetensorsWriter.encode(items(tensors), metadata: metadata)
    }

    private static func items(_ tensors: [String: Tensor]) -> [SafetensorsWriter.Item] {
        tensors.sorted { $0.key < $1.key }.map { name, tensor in
            SafetensorsWriter.Item(
                name: name, type: fileType(tensor.dtype), shape: tensor.shape,
                bytes: UnsafeRawBufferPointer(start: tensor.raw, count: tensor.byteCount))
        }
    }

    private static func fileType(_ type: DType) -> SafetensorsType {
        switch type {
        case .f32: .f32
        case .f64: .f64
        case .bf16: .bf16
        case .i32: .i32
        case .u8: .u8
        }
    }

    private static func tensor(
        _ entry: SafetensorsHeader.Entry, _ file: SafetensorsFile
    ) throws(DataError) -> Tensor {
        switch entry.type {
        case .f32: return try exact(entry, .f32, file)
        case .f64: return try exact(entry, .f64, file)
        case .bf16: return try exact(entry, .bf16, file)
        case .i32: return try exact(entry, .i32, file)
        case .u8: return try exact(entry, .u8, file)
        case .bool:
            let tensor = try exact(entry, .u8, file)
            let values = UnsafeBufferPointer(start: tensor.raw.assumingMemoryBound(to: UInt8.self), count: tensor.count)
            guard values.allSatisfy({ $0 <= 1 }) else { throw misfit(entry, file, "0 or 1 in a BOOL tensor") }
            return tensor
        case .f16:
            let tensor = Tensor(uninitialized: entry.shape, .f32)
            try convert(entry, file, to: tensor.f32()) { (bits: UInt16) in HalfFloat.float(UInt16(littleEndian: bits)) }
            return tensor
        case .i8: return try integers(entry, file, Int8.self)
        case .i16: return try integers(entry, file, Int16.self)
        case .u16: return try integers(entry, file, UInt16.self)
        case .u32: return try integers(entry, file, UInt32.self)
        case .i64: return try integers(entry, file, Int64.self)
        case .u64: return try integers(entry, file, UInt64.self)
        case .c64, .f8e5m2, .f8e4m3, .f8e8m0, .f6e2m3, .f6e3m2, .f4:
            throw DataError(
                .malformed, file: file.path, record: "tensor '\(entry.name)'",
                expected: "F64, F32, F16, BF16, BOOL or an integer type", found: entry.type.rawValue,
                remedy: "convert the checkpoint to F32 or BF16")
        }
    }

    /// Bytes as they stand; all supported machines are little-endian like the format.
    private static func exact(
        _ entry: SafetensorsHeader.Entry, _ type: DType, _ file: SafetensorsFile
    ) throws(DataError) -> Tensor {
        let tensor = Tensor(uninitialized: entry.shape, type)
        try file.read(entry.name, into: UnsafeMutableRawBufferPointer(start: tensor.raw, count: tensor.byteCount))
        return tensor
    }

    private static func integers<Source: FixedWidthInteger>(
        _ entry: SafetensorsHeader.Entry, _ file: SafetensorsFile, _: Source.Type
    ) throws(DataError) -> Tensor {
        let tensor = Tensor(uninitialized: entry.shape, .i32)
        try convert(entry, file, to: tensor.i32()) { (value: Source) in Int32(exactly: Source(littleEndian: value)) }
        return tensor
    }

    private static func convert<Source, Target>(
        _ entry: SafetensorsHeader.Entry, _ file: SafetensorsFile, to target: UnsafeMutablePointer<Target>,
        _ value: (Source) -> Target?
    ) throws(DataError) {
        let bytes = try file.bytes(of: entry.name)
        let fits = bytes.withUnsafeBytes { raw in
            for i in 0..<entry.count {
                let source = raw.loadUnaligned(fromByteOffset: i * MemoryLayout<Source>.size, as: Source.self)
                guard let converted = value(source) else { return false }
                target[i] = converted
            }
            return true
        }
        guard fits else { throw misfit(entry, file, "values from -2147483648 to 2147483647") }
    }

    private static func misfit(
        _ entry: SafetensorsHeader.Entry, _ file: SafetensorsFile, _ expected: String
    ) -> DataError {
        DataError(
            .malformed, file: file.path, record: "tensor '\(entry.name)'", expected: expected,
            found: "a value outside", remedy: "convert the tensor or leave it out")
    }
}
