import CheckpointIO
import JSONText
import NeuralLayers
import SafeFiles
import TensorCore
import VisionBackbones

/// Models as safetensors files that say what they are: the architecture stands in the metadata, so a file alone is
/// enough to
/// build the model again.
///
/// The metadata key `dmt.architecture` holds a JSON object. For a backbone:
/// `{"kind":"vit","image_size":96,"patch_size":8,"width":96,"depth":4,"head_count":3,"mlp_ratio":4.0,"position":"sinCos"}`;
/// tensors have the names of `VisionTransformer`.
public enum ModelFile {
    /// The metadata key of the architecture.
    public static let architectureKey = "dmt.architecture"

    /// How values are stored.
    public enum StoredType: String, Sendable, CaseIterable {
        case f32, bf16

        var dtype: DType { self == .f32 ? .f32 : .bf16 }
    }

    /// Writes a backbone atomically; equal values give equal bytes.
    ///
    /// - Parameter metadata: further entries; the architecture is added.
    public static func save(
        _ backbone: VisionTransformer, to path: String, metadata: [String: String] = [:], dtype: StoredType = .f32
    ) throws(DataError) {
        try save(
            backbone.state(), architecture: architecture(of: backbone.configuration), to: path, metadata: metadata,
            dtype: dtype)
    }

    /// Reads a backbone: from a backbone's own file, or out of a file of a whole model (its `backbone.` tensors).
    ///
    /// - Throws: `.malformed` for a file without architecture or with other tensors than the architecture asks for.
    public static func loadBackbone(_ path: String) throws(DataError) -> VisionTransformer {
        try CheckpointFile.demandOwnFormat(path)
        let contents = try Safetensors.load(path)
        let (configuration, prefix) = try backbone(contents.metadata, file: path)
        let backbone = VisionTransformer(configuration, seed: nil)
        var tensors: [String: Tensor] = [:]
        for (name, tensor) in contents.tensors where name.hasPrefix(prefix) {
            tensors[String(name.dropFirst(prefix.count))] = tensor
        }
        try load(tensors, into: backbone, file: path)
        return backbone
    }

    /// The shape of the backbone in a file, from the file's header alone.
    ///
    /// - Throws: `.malformed` for a file without architecture.
    static func backboneShape(_ path: String) throws(DataError) -> ViTConfiguration {
        try CheckpointFile.demandOwnFormat(path)
        return try backbone(SafetensorsFile(path: path).header.metadata, file: path).configuration
    }

    /// The backbone that metadata describes, and what the names of its tensors begin with.
    private static func backbone(
        _ metadata: [String: String], file: String
    ) throws(DataError) -> (configuration: ViTConfiguration, prefix: String) {
        let architecture = try architecture(metadata, file: file)
        if architecture["kind"]?.string == "vit" { return (try configuration(architecture, file: file), "") }
        guard let inner = architecture["backbone"] else {
            throw malformed(file, "an architecture of kind vit, or one with a backbone", architecture.text())
        }
        return (try configuration(inner, file: file), "backbone.")
    }

    // MARK: Parts for files of whole models

    static func save(
        _ state: [String: Tensor], architecture: JSONValue, to path: String, metadata: [String: String],
        dtype: StoredType
    ) throws(DataError) {
        var all = metadata
        all[architectureKey] = architecture.text()
        let tensors = dtype == .f32 ? state : state.mapValues { $0.dtype == .f32 ? $0.converted(to: .bf16) : $0 }
        try Safetensors.write(tensors, metadata: all, to: path)
    }

    /// Copies tensors into a layer; either every one fits or nothing changes.
    ///
    /// - Parameter ignored: names that may be absent here or there.
    /// - Throws: `.malformed`, listing every tensor that is not finite, missing, left over or of another shape.
    static func load(
        _ tensors: [String: Tensor], into layer: some Layer, file: String, ignoring ignored: Set<String> = []
    ) throws(DataError) {
        let broken = tensors.filter { !$0.value.isFinite }.keys.sorted()
        guard broken.isEmpty else {
            throw DataError(
                .malformed, file: file, record: "tensors", expected: "finite values",
                found: "NaN or infinity in \(broken.count): \(broken.prefix(20).joined(separator: ", "))",
                remedy: "use a checkpoint from before the training diverged")
        }
        do throws(StateError) {
            try layer.load(tensors, from: file, ignoring: ignored)
        } catch {
            throw DataError(
                .malformed, file: file, expected: "the tensors of its architecture",
                found: "\(error.misfits.count) misfit(s): \(error.list(20))",
                remedy: "check that file and architecture belong together")
        }
    }

    /// The architecture in a file's metadata.
    static func architecture(_ metadata: [String: String], file: String) throws(DataError) -> JSONValue {
        guard let text = metadata[architectureKey] else {
            throw DataError(
                .malformed, file: file, expected: "metadata '\(architectureKey)'",
                found: metadata.isEmpty ? "no metadata" : metadata.keys.sorted().joined(separator: ", "),
                remedy: "convert the checkpoint with dmt model convert")
        }
        do {
            return try JSONValue.parse(Array(text.utf8), file: file)
        } catch {
            throw malformed(file, "metadata '\(architectureKey)' in JSON", "\(error)")
        }
    }

    static func architecture(of configuration: ViTConfiguration) -> JSONValue {
        // A plain ViT's file says no more than it always did.
        var extras: [(String, JSONValue)] = []
        let (block, plain) = (configuration.block, BlockOptions.plain)
        if configuration.registerCount > 0 { extras.append(("registers", .int(Int64(configuration.registerCount)))) }
        if configuration.positionResize != .bicubic {
            extras.append(("position_resize", .string(configuration.positionResize.rawValue)))
        }
        if !configuration.hasFinalNorm { extras.append(("final_norm", .bool(false))) }
        if block.projectionBias != plain.projectionBias {
            extras.append(("qkv_bias", .string(block.projectionBias.rawValue)))
        }
        if block.perceptron != plain.perceptron { extras.append(("mlp", .string(block.perceptron.rawValue))) }
        if let scale = block.layerScale { extras.append(("layer_scale", .double(scale))) }
        if let side = block.relativeBiasSide { extras.append(("relative_bias", .int(Int64(side)))) }
        return .object(
            [
                ("kind", .string("vit")), ("image_size", .int(Int64(configuration.imageSize))),
                ("patch_size", .int(Int64(configuration.patchSize))), ("width", .int(Int64(configuration.width))),
                ("depth", .int(Int64(configuration.depth))), ("head_count", .int(Int64(configuration.headCount))),
                ("mlp_ratio", .double(configuration.mlpRatio)), ("position", .string(configuration.position.rawValue)),
            ] + extras)
    }

    /// The configuration an architecture describes, checked: sizes positive and bounded, divisions without rest.
    static func configuration(_ json: JSONValue, file: String) throws(DataError) -> ViTConfiguration {
        guard json["kind"]?.string == "vit" else {
            throw malformed(file, "an architecture of kind vit", json["kind"]?.text() ?? json.text())
        }
        func int(_ key: String, _ range: ClosedRange<Int>) throws(DataError) -> Int {
            guard let value = json[key]?.int.flatMap({ Int(exactly: $0) }), range.contains(value) else {
                throw malformed(file, "architecture.\(key) in \(range)", json[key]?.text() ?? "nothing")
            }
            return value
        }
        guard let ratio = json["mlp_ratio"]?.double, ratio > 0, ratio <= 64 else {
            throw malformed(file, "architecture.mlp_ratio in 0...64", json["mlp_ratio"]?.text() ?? "nothing")
        }
        guard let position = json["position"]?.string.flatMap({ PositionEmbedding(rawValue: $0) }) else {
            throw malformed(
                file, "architecture.position sinCos, learned or none", json["position"]?.text() ?? "nothing")
        }
        var result = ViTConfiguration(
            imageSize: try int("image_size", 1...8192), patchSize: try int("patch_size", 1...512),
            width: try int("width", 1...65536), depth: try int("depth", 1...1024),
            headCount: try int("head_count", 1...1024), mlpRatio: ratio, position: position)
        func choice<Choice: RawRepresentable<String> & CaseIterable>(
            _ key: String, _ fallback: Choice
        ) throws(DataError) -> Choice {
            guard let value = json[key] else { return fallback }
            guard let found = value.string.flatMap({ Choice(rawValue: $0) }) else {
                throw malformed(
                    file, "architecture.\(key): " + Choice.allCases.map(\.rawValue).joined(separator: ", "),
                    value.text())
            }
            return found
        }
        if json["registers"] != nil { result.registerCount = try int("registers", 0...1024) }
        result.positionResize = try choice("position_resize", result.positionResize)
        result.hasFinalNorm = json["final_norm"] != .bool(false)
        result.block.projectionBias = try choice("qkv_bias", result.block.projectionBias)
        result.block.perceptron = try choice("mlp", result.block.perceptron)
        result.block.layerScale = json["layer_scale"]?.double
        if json["relative_bias"] != nil { result.block.relativeBiasSide = try int("relative_bias", 1...1024) }
        guard result.imageSize % result.patchSize == 0, result.width % result.headCount == 0,
            result.position != .sinCos || result.width % 4 == 0
        else {
            throw malformed(file, "whole patches, whole heads and a width that 4 divides", json.text())
        }
        return result
    }

    static func malformed(_ file: String, _ expected: String, _ found: String) -> DataError {
        DataError(
            .malformed, file: file, record: "metadata", expected: expected, found: found,
            remedy: "convert the checkpoint with dmt model convert")
    }
}
