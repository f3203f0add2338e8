extension CheckpointLayout {
    /// microsoft/unilm's BEiT, alone or as the backbone of a segmentor: relative position bias, separate biases,
    /// LayerScale. The segmentors of TinyMIM and G2SD have the same names; `fpn` are their pyramids.
    static let beit = CheckpointLayout(
        keyPaths: [["model"], ["module"], ["state_dict"]], prefixes: ["", "model.", "module.", "backbone."],
        strangers: ["mask_token", "head.", "lm_head.", "fc_norm.", "fpn"], rename: beitName)
}
