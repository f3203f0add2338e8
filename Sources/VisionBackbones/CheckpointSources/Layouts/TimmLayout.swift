extension CheckpointLayout {
    /// huggingface/pytorch-image-models: plain names and a classifier, with a norm of its own where patches are averaged.
    static let timm = CheckpointLayout(
        keyPaths: [["state_dict"], ["model"]], prefixes: ["", "model.", "module.", "student."],
        strangers: ["head.", "fc_norm."])
}
