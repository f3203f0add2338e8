import Autograd
import Determinism
import Geometry
import NeuralLayers

/// Mask R-CNN on a plain ViT: simple feature pyramid, region proposals, boxes and masks.
///
/// Pictures of different sizes lie at the top left of a batch padded to one size: targets and frames say where each ends.
/// Checkpoint names are detectron2's: `backbone.simfp_2.*` …, `proposal_generator.rpn_head.*`, `roi_heads.*`.
///
/// Random draws (which anchors and regions are learned from) are functions of `Forward.seed` and the place in the batch;
/// predictions draw nothing, and ties go to the earlier anchor, proposal or class.
///
/// - Source: He et al. 2017, arXiv:1703.06870; Li et al. 2022, arXiv:2203.16527; rules of detectron2.
public final class MaskRCNN: DenseHead {
    public let configuration: MaskRCNNConfiguration
    let pyramid: SimpleFeaturePyramid
    let proposer: RegionProposalNetwork
    let regions: RegionHeads

    /// - Parameter input: the backbone's last map, which alone is used.
    public init(
        _ configuration: MaskRCNNConfiguration, input: FeatureSpec, _ stream: inout RandomStream
    ) throws(HeadConfigurationError) {
        try configuration.validate()
        self.configuration = configuration
        pyramid = try SimpleFeaturePyramid(
            input: input, strides: configuration.strides, channels: configuration.channels,
            hasTopLevel: configuration.hasTopLevel, &stream)
        proposer = RegionProposalNetwork(configuration, levels: pyramid.outputSpecs, &stream)
        regions = RegionHeads(configuration, &stream)
    }

    public static var slots: [Slot<MaskRCNN>] {
        [
            .layer("backbone", \.pyramid), .layer("proposal_generator", \.proposer), .layer("roi_heads", \.regions),
        ]
    }

    /// Terms `rpn_objectness`, `rpn_box`, `roi_class`, `roi_box`, `roi_mask`.
    public func loss(_ features: FeatureMaps, _ targets: [DetectionTarget], _ forward: Forward) -> [LossTerm] {
        let maps = pyramid(features, forward)
        precondition(
            targets.count == maps.maps[0].map.shape[0], "\(targets.count) targets for maps \(maps.maps[0].map.shape)")
        let truths = targets.map(\.learnable)
        let output = proposer(maps, forward)
        let limits = forward.mode == .training ? configuration.trainingProposals : configuration.evaluationProposals
        let proposals = proposer.proposals(output, contents: targets.map(\.size), limits: limits)
        let samples = RegionSamples(
            proposals: proposals, truths: truths, configuration: configuration, seed: forward.seed)
        return proposer.loss(output, truths, forward) + regions.loss(maps, samples, forward)
    }

    public func predict(_ features: FeatureMaps, sizes: [PictureFrame], _ forward: Forward) -> [Detections] {
        let maps = pyramid(features, forward)
        let proposals = proposer.proposals(
            proposer(maps, forward), contents: sizes.map(\.content), limits: configuration.evaluationProposals)
        return regions.predict(maps, proposals: proposals, frames: sizes, forward)
    }
}
