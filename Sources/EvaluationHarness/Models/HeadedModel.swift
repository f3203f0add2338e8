import CheckpointIO
import JSONText
import NeuralLayers
import SafeFiles
import VisionBackbones

/// A network that heads stand on.
public protocol HeadBackbone: Layer {
    var width: Int { get }
    var patchSize: Int { get }
    var depth: Int { get }
    /// Enough to build it again.
    var architecture: JSONValue { get }
    /// A network of that architecture; its values do not matter.
    static func make(_ architecture: JSONValue, file: String) throws(DataError) -> Self
}

extension VisionTransformer: HeadBackbone {
    public var architecture: JSONValue { ModelFile.architecture(of: configuration) }

    public static func make(_ architecture: JSONValue, file: String) throws(DataError) -> VisionTransformer {
        VisionTransformer(try ModelFile.configuration(architecture, file: file), seed: 0)
    }
}

extension HeadBackbone {
    /// "vit 96x4, patch 8".
    var words: String { "vit \(width)x\(depth), patch \(patchSize)" }
}

/// A backbone with a head for one task, as one checkpoint: `backbone.*` beside the head's tensors.
public protocol HeadedModel: Layer {
    /// The `kind` of its files: "segmentation".
    static var kind: String { get }
    associatedtype Body: HeadBackbone
    var backbone: Body { get }
    /// The head's part of the architecture.
    var headArchitecture: JSONValue { get }
    /// A model of that architecture; its values do not matter.
    static func make(backbone: Body, head: JSONValue, file: String) throws -> Self
}

extension HeadedModel {
    /// The whole architecture.
    var architecture: JSONValue {
        .object([
            ("kind", .string(Self.kind)), ("backbone", backbone.architecture),
            ("head", headArchitecture),
        ])
    }

    /// Another model of this architecture; its values do not matter.
    func unlearnedTwin() throws -> Self {
        let name = "a model in memory"
        return try Self.make(
            backbone: try Body.make(backbone.architecture, file: name), head: headArchitecture, file: name)
    }

    /// Writes the model atomically; equal values give equal bytes.
    public func save(to path: String, metadata: [String: String] = [:]) throws(DataError) {
        try ModelFile.save(state(), architecture: architecture, to: path, metadata: metadata, dtype: .f32)
    }

    /// Reads a model that `save` wrote, with its metadata.
    ///
    /// - Throws: `.malformed` for a file of another kind, an architecture that cannot be built or tensors that do not
    ///   fit it.
    public static func load(_ path: String) throws -> (model: Self, metadata: [String: String]) {
        let contents = try Safetensors.load(path)
        let architecture = try ModelFile.architecture(contents.metadata, file: path)
        guard architecture["kind"]?.string == kind, let inner = architecture["backbone"],
            let head = architecture["head"]
        else {
            throw DataError(
                .malformed, file: path, expected: "a model of kind \(kind)",
                found: architecture["kind"]?.string ?? "another architecture",
                remedy: "train a head first with dmt train, or give its checkpoint")
        }
        let model = try make(backbone: try Body.make(inner, file: path), head: head, file: path)
        try ModelFile.load(contents.tensors, into: model, file: path)
        return (model, contents.metadata)
    }
}
