extension CheckpointLayout {
    /// What DINO and iBOT put before the teacher's encoder.
    private static let teacherPrefixes = [
        "teacher.module.backbone.", "teacher.backbone.", "teacher.encoder.", "teacher.", "module.backbone.",
        "backbone.", "state_dict.", "module.", "",
    ]

    /// facebookresearch/dino: the teacher of a pretraining file, or plain names; `fpn` is the pyramid of a segmentor.
    static let dino = CheckpointLayout(
        keyPaths: [["teacher"], ["state_dict"], ["model"]], prefixes: teacherPrefixes, strangers: ["head.", "fpn"],
        positionResize: .bicubicOffset)

    /// bytedance/ibot: as DINO, with the mask's embedding.
    static let ibot = CheckpointLayout(
        keyPaths: dino.keyPaths, prefixes: teacherPrefixes, strangers: ["masked_embed", "head.", "fpn"],
        positionResize: .bicubicOffset)
}
