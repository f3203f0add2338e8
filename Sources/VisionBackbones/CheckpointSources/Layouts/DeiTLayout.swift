extension CheckpointLayout {
    /// facebookresearch/deit: plain names and a classifier, below `model`.
    static let deit = CheckpointLayout(
        keyPaths: [["model"]], prefixes: ["", "model.", "module.", "backbone."], strangers: ["head."])
}
