extension CheckpointLayout {
    /// wangsr126/MAE-Lite: MAE's names behind those of its trainer; 12 heads at width 192.
    ///
    /// - Source: `mae_vit_tiny_patch16` of models_mae.py, the prefix of convert_to_d2.py.
    static let maeLite = CheckpointLayout(
        keyPaths: [["model"]], prefixes: ["module.model.", "model.", ""],
        strangers: ["mask_token", "decoder_", "head.", "fc_norm."],
        headCount: { $0 == 192 ? 12 : oneHeadEach64(width: $0) })
}
