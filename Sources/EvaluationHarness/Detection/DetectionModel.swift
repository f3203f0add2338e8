import Autograd
import DenseHeads
import Determinism
import JSONText
import NeuralLayers
import SafeFiles
import VisionBackbones

/// A ViT with Mask R-CNN. Checkpoint names `backbone.*` (the ViT) and `detector.*` (detectron2's names).
public final class DetectionModel: HeadedModel {
    public static let kind = "detection"
    public let backbone: DetectionBackbone
    public let architecture: DetectionArchitecture
    let detector: MaskRCNN

    /// - Parameters:
    ///   - backbone: used as it is, not copied.
    ///   - sampledAnchors: per picture; training alone depends on it, as on `sampledRegions` and `trainingProposals`,
    ///     which are those of predictions when absent.
    ///   - seed: of the head's fresh weights.
    /// - Throws: `HeadConfigurationError` for a head that cannot stand on this backbone; `DataError` for a size that
    ///   is no multiple of the patch, taps that the backbone does not have or category ids that are not one a class.
    public init(
        backbone: DetectionBackbone, architecture: DetectionArchitecture, sampledAnchors: Int = 256,
        sampledRegions: Int = 512, trainingProposals: ProposalLimits? = nil, seed: UInt64
    ) throws {
        func demand(_ holds: Bool, _ record: String, _ expected: String, _ found: String) throws(DataError) {
            if !holds {
                throw DataError(
                    .configuration, file: "detection head", record: record, expected: expected, found: found,
                    remedy: "correct the recipe, or take backbone and data that suit it")
            }
        }
        try demand(
            architecture.size % backbone.patchSize == 0, "size",
            "a multiple of the patch size \(backbone.patchSize)", "\(architecture.size)")
        try demand(
            architecture.categoryIDs.count == architecture.classCount, "category_ids",
            "\(architecture.classCount), one a class", "\(architecture.categoryIDs.count)")
        var architecture = architecture
        if architecture.pyramid == .taps && architecture.taps.isEmpty {
            architecture.taps = VisionTransformer.evenTaps(depth: backbone.depth, count: architecture.strides.count)
        }
        try demand(
            architecture.taps.allSatisfy { (0..<backbone.depth).contains($0) }, "taps",
            "blocks in 0...\(backbone.depth - 1)", "\(architecture.taps)")
        try demand(
            architecture.taps.isEmpty || (architecture.pyramid == .taps && backbone.windowed == nil), "taps",
            "none under windows or the simple pyramid", "\(architecture.taps)")
        var configuration = architecture.configuration()
        configuration.rpnSampler = BalancedSampler(count: sampledAnchors, foregroundShare: 0.5)
        configuration.regionSampler = BalancedSampler(count: sampledRegions, foregroundShare: 0.25)
        configuration.trainingProposals = trainingProposals ?? configuration.evaluationProposals
        var stream = RandomStream(seed: seed, purpose: "detection head")
        detector = try MaskRCNN(configuration, inputs: backbone.specs(taps: architecture.taps), &stream)
        self.backbone = backbone
        self.architecture = architecture
    }

    public static func make(backbone: DetectionBackbone, head: JSONValue, file: String) throws -> DetectionModel {
        let architecture = try DetectionArchitecture(ArchitectureFields(json: head, file: file))
        return try DetectionModel(backbone: backbone, architecture: architecture, seed: 0)
    }

    /// - Parameter side: pixels; the model's own unless given.
    func architecture(shownAt side: Int?) -> DetectionArchitecture {
        side.map { architecture.shown(at: $0, patchSize: backbone.patchSize) } ?? architecture
    }

    public var headArchitecture: JSONValue { architecture.json }

    public static var slots: [Slot<DetectionModel>] {
        [.layer("backbone", \.backbone), .layer("detector", \.detector)]
    }

    /// - Parameters:
    ///   - images: `(N, S, S, 3)`, normalised, zero in the padding.
    ///   - frozen: the backbone runs without gradient and as in evaluation.
    public func loss(
        _ images: Variable, _ targets: [DetectionTarget], frozen: Bool, _ forward: Forward
    ) -> [LossTerm] {
        detector.loss(
            backbone.maps(images, taps: architecture.taps, frozen ? .evaluation : forward), targets, forward)
    }

    /// The objects of each picture, in the pixels of its frame's output.
    public func predict(_ images: Variable, frames: [PictureFrame], _ forward: Forward = .evaluation) -> [Detections] {
        detector.predict(backbone.maps(images, taps: architecture.taps, forward), sizes: frames, forward)
    }
}
