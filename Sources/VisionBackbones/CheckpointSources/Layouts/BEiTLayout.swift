extension CheckpointLayout {
    /// microsoft/unilm's BEiT, alone or as the backbone of a segmentor: relative position bias, separate biases,
    /// LayerScale. G2SD's segmentors have the same names; `fpn` is their pyramid.
    static let beit = CheckpointLayout(
        keyPaths: [["model"], ["module"], ["state_dict"]], prefixes: ["", "model.", "module.", "backbone."],
        strangers: ["mask_token", "head.", "lm_head.", "fc_norm.", "fpn"], rename: beitName)
}
