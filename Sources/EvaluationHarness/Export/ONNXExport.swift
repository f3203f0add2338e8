import CheckpointIO
import JSONText
import NeuralLayers
import SafeFiles
import TensorCore
import VisionBackbones

/// `dmt model convert --to onnx`: a backbone, segmentation or classification model as an ONNX file, f32, for pictures of
/// one size.
///
/// The input `pixels` is `(N, 3, size, size)`, normalised RGB. A backbone puts out `class_token (N, C)` and
/// `patches (N, T, C)` behind the final norm, registers left out; a segmentation model `logits (N, K, size, size)`; a
/// classifier `logits (N, K)`. Tensors that are stored as the checkpoint has them keep their names.
public struct ONNXExport: Sendable {
    /// The operator sets whose operators are written.
    public static let opsets = 17...20
    /// Protobuf's limit on one message.
    static let byteLimit = Int(Int32.max)

    public var opset = 17
    /// Pixels a side of the pictures; nil takes what the model was made for.
    public var size: Int?
    /// Whose checkpoint it is; nil for a file that says its architecture.
    public var source: CheckpointSource?
    /// Attention heads, where the source's rule does not tell them.
    public var heads: Int?

    public init() {}

    public struct Outcome: Sendable, Equatable {
        public var out: String
        /// "vit", "segmentation" or "classification".
        public var kind: String
        public var size: Int
        public var opset: Int
        public var outputs: [String]
        public var byteCount: Int

        public var json: JSONValue {
            .object([
                ("schema_version", .int(1)), ("out", .string(out)), ("kind", .string(kind)),
                ("size", .int(Int64(size))), ("opset", .int(Int64(opset))), ("input", .string("pixels")),
                ("outputs", .array(outputs.map { .string($0) })), ("bytes", .int(Int64(byteCount))),
            ])
        }
    }

    /// Writes the file atomically; equal models give equal bytes.
    ///
    /// - Throws: `.cannotWrite` when the output exists or would pass 2 GiB; `.malformed` for another kind of model;
    ///   `.configuration` for a size that the model cannot see or an unknown operator set; what reading throws.
    @discardableResult
    public func run(_ input: String, to output: String) throws -> Outcome {
        try ModelConversion.requireAbsent(output)
        guard Self.opsets.contains(opset) else {
            throw DataError(
                .configuration, file: "options", record: "opset", expected: "\(Self.opsets)", found: "\(opset)",
                remedy: "leave --opset out")
        }
        let network = try ONNXNetwork(input, size: size, source: source, heads: heads)
        let model = network.graph.model(opset: opset, metadata: network.metadata)
        try Self.checkSize(model.byteCount, output)
        try AtomicFile.write(model.encoded, to: output)
        return Outcome(
            out: output, kind: network.kind, size: network.size, opset: opset,
            outputs: network.graph.outputs.map(\.name), byteCount: model.byteCount)
    }

    static func checkSize(_ byteCount: Int, _ output: String) throws(DataError) {
        guard byteCount <= byteLimit else {
            throw DataError(
                .cannotWrite, file: output, expected: "at most \(byteLimit) bytes, the limit of a protobuf message",
                found: "\(byteCount)", remedy: "export a smaller model")
        }
    }
}
