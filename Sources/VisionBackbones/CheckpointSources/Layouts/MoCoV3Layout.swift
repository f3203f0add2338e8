extension CheckpointLayout {
    /// facebookresearch/moco-v3: `module.base_encoder.` before the encoder, momentum encoder and predictor beside it.
    ///
    /// - Source: `vit_small` of vits.py has 12 heads at width 384.
    static let mocov3 = CheckpointLayout(
        keyPaths: [["state_dict"]],
        prefixes: [
            "module.base_encoder.", "base_encoder.", "state_dict.module.base_encoder.", "base_encoder.encoder.", "",
        ],
        strangers: ["head."], headCount: { $0 == 384 ? 12 : oneHeadEach64(width: $0) })
}
