extension CheckpointLayout {
    /// open-mmlab/mmsegmentation: its BEiT, MAE and VisionTransformer, alone or as the backbone of a segmentor.
    static let mmseg = CheckpointLayout(
        keyPaths: [["state_dict"], ["model"]], prefixes: ["backbone.", ""], strangers: [],
        projection: "patch_embed.projection.weight", rename: mmsegName)

    /// Layers are blocks, `ln1` and `ln2` their norms; a norm behind the last layer is called `ln1` too.
    ///
    /// - Source: mmseg/models/backbones/beit.py, mae.py and vit.py; `FFN` and `MultiheadAttention` of mmcv.
    @Sendable private static func mmsegName(_ name: String) -> String? {
        if name.hasPrefix("patch_embed.projection.") {
            return "patch_embed.proj." + name.dropFirst("patch_embed.projection.".count)
        }
        if name.hasPrefix("ln1.") { return "norm." + name.dropFirst("ln1.".count) }
        let parts = name.split(separator: ".", maxSplits: 2)
        guard parts.count == 3, parts[0] == "layers", Int(parts[1]) != nil else { return name }
        var rest = String(parts[2])
        for (theirs, ours) in mmsegParts where rest.hasPrefix(theirs) {
            rest = ours + rest.dropFirst(theirs.count)
            break
        }
        return beitName("blocks.\(parts[1]).\(rest)")
    }

    private static let mmsegParts = [
        ("ln1.", "norm1."), ("ln2.", "norm2."), ("ffn.layers.0.0.", "mlp.fc1."), ("ffn.layers.1.", "mlp.fc2."),
        ("attn.attn.in_proj_", "attn.qkv."), ("attn.attn.out_proj.", "attn.proj."),
    ]
}
