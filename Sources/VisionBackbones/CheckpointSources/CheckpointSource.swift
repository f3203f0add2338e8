/// Code bases whose ViT checkpoints are read. The user names one: it is never guessed from the keys.
///
/// All of them name the parts of the encoder as timm does; they differ in what stands before and beside it.
public enum CheckpointSource: String, Sendable, CaseIterable {
    /// facebookresearch/mae: plain names; a pretraining file holds a decoder too.
    case mae
    /// facebookresearch/moco-v3: `module.base_encoder.` before the encoder, momentum encoder and predictor beside it.
    case mocov3
    /// bytedance/ibot: the teacher of a pretraining file, or plain names.
    case ibot
    /// facebookresearch/dino: the teacher of a pretraining file, or plain names.
    case dino
    /// huggingface/pytorch-image-models: plain names and a classifier.
    case timm

    /// What may stand before the encoder's names, in the order tried: exported encoders have no prefix, and what this
    /// package pretrains and distils has prefixes of its own (`encoder.`, `student.`).
    var prefixes: [String] {
        switch self {
        case .mae: ["", "model.", "encoder."]
        case .mocov3:
            ["module.base_encoder.", "base_encoder.", "state_dict.module.base_encoder.", "base_encoder.encoder.", ""]
        case .ibot, .dino:
            [
                "teacher.module.backbone.", "teacher.backbone.", "teacher.encoder.", "teacher.", "module.backbone.",
                "backbone.",
                "state_dict.", "module.", "",
            ]
        case .timm: ["", "model.", "module.", "student."]
        }
    }

    /// Starts of names, after the prefix, that are no part of the encoder.
    var strangers: [String] {
        switch self {
        case .mae: ["mask_token", "decoder_", "head."]
        case .mocov3: ["head."]
        case .ibot: ["masked_embed", "head."]
        case .dino, .timm: ["head."]
        }
    }

    /// Attention heads of an encoder of that width: one for every 64 channels, but 12 in MoCo v3's small ViT.
    ///
    /// - Returns: nil where the rule gives no whole number.
    /// - Source: `vit_small` of facebookresearch/moco-v3, vits.py.
    public func headCount(width: Int) -> Int? {
        if self == .mocov3 && width == 384 { return 12 }
        return width > 0 && width % 64 == 0 ? width / 64 : nil
    }
}

/// The encoder's names in one checkpoint.
public struct EncoderNames: Sendable, Equatable {
    public let source: CheckpointSource
    /// What stands before each name of the encoder.
    public let prefix: String

    /// - Parameters:
    ///   - keys: of the whole checkpoint.
    ///   - file: named in the error.
    /// - Throws: where no prefix of the source is followed by a patch projection.
    public init(_ source: CheckpointSource, keys: some Collection<String>, file: String) throws(CheckpointError) {
        let all = Set(keys)
        guard let prefix = source.prefixes.first(where: { all.contains($0 + ViTShape.projection) }) else {
            let others = CheckpointSource.allCases.filter { other in
                other != source && other.prefixes.contains { all.contains($0 + ViTShape.projection) }
            }
            throw CheckpointError(
                file: file, expected: "a ViT of \(source.rawValue), with '\(ViTShape.projection)'",
                found: "no such key",
                remedy: others.isEmpty
                    ? "list the keys with dmt model info"
                    : "the keys would fit --source \(others.map(\.rawValue).joined(separator: " or "))")
        }
        self.source = source
        self.prefix = prefix
    }

    /// The name in our ViT of a checkpoint's key; nil for keys of decoders, classifiers and other networks.
    public func name(of key: String) -> String? {
        guard key.hasPrefix(prefix) else { return nil }
        let name = String(key.dropFirst(prefix.count))
        return source.strangers.contains { name.hasPrefix($0) } ? nil : name
    }
}
