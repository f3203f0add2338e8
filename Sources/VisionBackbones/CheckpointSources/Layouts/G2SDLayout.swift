extension CheckpointLayout {
    /// pengzhiliang/G2SD: MAE's names below `model`, or `module` where DeepSpeed wrote the file. The generic stage has a
    /// decoder and two predictors of features beside the student. The specific stage has a token of distillation, which
    /// has no position and so is a register, and a head for it.
    ///
    /// - Source: models_mae.py, models_vit.py.
    static let g2sd = CheckpointLayout(
        keyPaths: [["model"], ["module"]], prefixes: [""],
        strangers: [
            "mask_token", "decoder_", "encoderfeature_pred.", "decoderfeature_pred.", "head.", "head_dist.", "fc_norm.",
        ],
        rename: { $0 == "dist_token" ? "reg_token" : $0 })
}
