extension CheckpointLayout {
    /// facebookresearch/mae: plain names; a pretraining file holds a decoder too, a fine-tuned one a norm of its head.
    static let mae = CheckpointLayout(
        keyPaths: [["model"]], prefixes: ["", "model.", "encoder."],
        strangers: ["mask_token", "decoder_", "head.", "fc_norm."])
}
