extension CheckpointLayout {
    /// OliverRensu/TinyMIM: plain names below `model`; relations are distilled, so there is no projection beside the
    /// student. A fine-tuned file has a classifier with a norm of its own in place of the last norm.
    ///
    /// Width 192 has no rule: the code's pretraining, fine-tuning and segmentation have 6, 3 and 12 heads.
    /// - Source: models_tinymim.py, models_vit.py.
    static let tinymim = CheckpointLayout(
        keyPaths: [["model"]], prefixes: [""], strangers: ["head.", "fc_norm."],
        headCount: { $0 == 192 ? nil : oneHeadEach64(width: $0) })
}
