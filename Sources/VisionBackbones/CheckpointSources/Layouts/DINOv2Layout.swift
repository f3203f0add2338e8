extension CheckpointLayout {
    /// facebookresearch/dinov2: registers, LayerScale, SwiGLU; blocks in chunks in a training file.
    static let dinov2 = CheckpointLayout(
        keyPaths: [["teacher"], ["model"], ["state_dict"]], prefixes: ["teacher.backbone.", "backbone.", ""],
        strangers: ["mask_token", "head."], positionResize: .bicubicOffset, rename: dinov2Name)

    /// `register_tokens` are registers; `blocks.c.i.` is block i in chunk c, counted over all chunks.
    ///
    /// - Source: `BlockChunk` of models/vision_transformer.py.
    @Sendable private static func dinov2Name(_ name: String) -> String? {
        if name == "register_tokens" { return "reg_token" }
        let parts = name.split(separator: ".", maxSplits: 3)
        guard parts.count == 4, parts[0] == "blocks", Int(parts[1]) != nil, Int(parts[2]) != nil else { return name }
        return "blocks.\(parts[2]).\(parts[3])"
    }
}
