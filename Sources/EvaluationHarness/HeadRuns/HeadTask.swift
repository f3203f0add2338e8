/// The tasks a head is trained for.
public enum HeadTask: String, Sendable, CaseIterable {
    case segment, detect, classify

    /// The section of a `dataset.yaml` that holds its data.
    public var section: String {
        switch self {
        case .segment: "segmentation"
        case .detect: "detection"
        case .classify: "classification"
        }
    }
}

/// What a checkpoint is evaluated on.
public enum EvaluationTask: String, Sendable, CaseIterable {
    case segment, detect, classify
    /// Weighted neighbours of frozen features.
    case knn
    /// A linear classifier of frozen features: patches scored as segmentation, or whole pictures.
    case linear
    /// Nearest neighbours of frozen patch tokens, scored as segmentation.
    case denseKNN = "dense-knn"

    /// Whether several ranks can share the pictures; probes of frozen features work in one process.
    public var sharesWork: Bool { [.segment, .detect, .classify].contains(self) }

    var section: String {
        switch self {
        case .segment, .linear, .denseKNN: HeadTask.segment.section
        case .detect: HeadTask.detect.section
        case .classify, .knn: HeadTask.classify.section
        }
    }
}
