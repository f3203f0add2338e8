extension CheckpointLayout {
    /// What DINO and iBOT put before the teacher's encoder.
    private static let teacherPrefixes = [
        "teacher.module.backbone.", "teacher.backbone.", "teacher.encoder.", "teacher.", "module.backbone.",
        "backbone.", "state_dict.", "module.", "",
    ]

    /// facebookresearch/dino: the teacher of a pretraining file, or plain names.
    static let dino = CheckpointLayout(
        keyPaths: [["teacher"], ["state_dict"], ["model"]], prefixes: teacherPrefixes, strangers: ["head."],
        positionResize: .bicubicOffset)

    /// bytedance/ibot: as DINO, with the mask's embedding.
    static let ibot = CheckpointLayout(
        keyPaths: dino.keyPaths, prefixes: teacherPrefixes, strangers: ["masked_embed", "head."],
        positionResize: .bicubicOffset)
}
