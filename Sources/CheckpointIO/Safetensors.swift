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
        let tensors = try file.tensors(where: wanted)
        return Contents(tensors: tensors, metadata: file.header.metadata)
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
}
