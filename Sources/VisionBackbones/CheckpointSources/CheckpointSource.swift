/// Code bases whose ViT checkpoints are read. The user names one: it is never guessed from the keys.
///
/// All of them name the parts of the encoder nearly as timm does; they differ in what stands before and beside it.
public enum CheckpointSource: String, Sendable, CaseIterable {
    /// facebookresearch/mae: plain names; a pretraining file holds a decoder too.
    case mae
    /// facebookresearch/moco-v3: `module.base_encoder.` before the encoder, momentum encoder and predictor beside it.
    case mocov3
    /// bytedance/ibot: the teacher of a pretraining file, or plain names.
    case ibot
    /// facebookresearch/dino: the teacher of a pretraining file, or plain names.
    case dino
    /// facebookresearch/dinov2: registers, LayerScale and SwiGLU under names of its own.
    case dinov2
    /// facebookresearch/deit: plain names and a classifier, below `model`.
    case deit
    /// microsoft/unilm BEiT, and mmsegmentation's BEiT and MAE: relative position bias, separate biases, LayerScale.
    case beit
    /// huggingface/pytorch-image-models: plain names and a classifier.
    case timm

    /// Keys that may lead to the weights in a PyTorch file, in the order tried; the weights may lie at the top as well.
    public var keyPaths: [[String]] {
        switch self {
        case .mae, .deit: [["model"], []]
        case .mocov3: [["state_dict"], []]
        case .ibot, .dino: [["teacher"], ["state_dict"], ["model"], []]
        case .dinov2: [["teacher"], ["model"], ["state_dict"], []]
        case .beit: [["model"], ["module"], ["state_dict"], []]
        case .timm: [["state_dict"], ["model"], []]
        }
    }

    /// How this source brings its table of positions to another grid.
    public var positionResize: PositionResize {
        switch self {
        case .ibot, .dino, .dinov2: .bicubicOffset
        default: .bicubic
        }
    }

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
        case .dinov2: ["teacher.backbone.", "backbone.", ""]
        case .deit, .beit: ["", "model.", "module.", "backbone."]
        case .timm: ["", "model.", "module.", "student."]
        }
    }

    /// Starts of names, after the prefix, that are no part of the encoder.
    var strangers: [String] {
        switch self {
        case .mae: ["mask_token", "decoder_", "head."]
        case .mocov3: ["head."]
        case .ibot: ["masked_embed", "head."]
        case .dinov2: ["mask_token", "head."]
        case .beit: ["mask_token", "head.", "lm_head."]
        case .dino, .timm, .deit: ["head."]
        }
    }

    /// Our name of a part that this source calls otherwise; nil for what is computed and not learned.
    func rename(_ name: String) -> String? {
        switch self {
        case .dinov2: return name == "register_tokens" ? "reg_token" : name
        case .beit:
            if name.hasSuffix(".relative_position_index") { return nil }
            if name.hasSuffix(".gamma_1") { return name.dropLast("gamma_1".count) + "ls1.gamma" }
            if name.hasSuffix(".gamma_2") { return name.dropLast("gamma_2".count) + "ls2.gamma" }
            return name
        default: return name
        }
    }

    /// Our name of an encoder's part under any source's name, where the source is not told.
    public static func commonName(_ name: String) -> String? {
        CheckpointSource.beit.rename(name).flatMap(CheckpointSource.dinov2.rename)
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
        return source.strangers.contains { name.hasPrefix($0) } ? nil : source.rename(name)
    }
}
