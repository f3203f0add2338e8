import CheckpointIO
import SafeFiles
import TensorCore

/// `dmt model convert`: the same tensors under the same names in another storage type.
public enum ModelConversion {
    /// - Throws: `.cannotWrite` when the output exists; what reading and writing throw.
    public static func run(_ input: String, to output: String, storage: ModelFile.StoredType) throws(DataError) {
        guard !FileBytes.exists(output) else {
            throw DataError(
                .cannotWrite, file: output, expected: "a file that does not exist yet", found: "a file",
                remedy: "choose another name, or remove it")
        }
        let contents = try Safetensors.load(input)
        let converted = contents.tensors.mapValues { tensor in
            switch (tensor.dtype, storage) {
            case (.f32, .bf16): tensor.converted(to: .bf16)
            case (.bf16, .f32): tensor.converted(to: .f32)
            default: tensor
            }
        }
        try Safetensors.write(converted, metadata: contents.metadata, to: output)
    }
}
