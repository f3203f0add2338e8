import Autograd
import Determinism
import Geometry
import NeuralLayers

/// Mask R-CNN, or Cascade Mask R-CNN, on a plain ViT: a pyramid, region proposals, boxes and masks.
///
/// Pictures of different sizes lie at the top left of a batch padded to one size: targets and frames say where each ends.
/// Checkpoint names are detectron2's: `backbone.simfp_2.*` …, `proposal_generator.rpn_head.*`, `roi_heads.*`; a pyramid of
/// four taps has `backbone.rescale.*` and `backbone.neck.*`.
///
/// Random draws (which anchors and regions are learned from) are functions of `Forward.seed` and the place in the batch;
/// predictions draw nothing, and ties go to the earlier anchor, proposal or class.
///
/// - Source: He et al. 2017, arXiv:1703.06870; Li et al. 2022, arXiv:2203.16527; rules of the library that
///   `MaskRCNNConfiguration.rules` names.
public final class MaskRCNN: DenseHead {
    public let configuration: MaskRCNNConfiguration
    let pyramid: DetectionPyramid
    let proposer: RegionProposalNetwork
    let regions: RegionHeads

    /// - Parameter inputs: the backbone's last map, or one tapped block a level, as the configuration's pyramid wants it.
    public init(
        _ configuration: MaskRCNNConfiguration, inputs: [FeatureSpec], _ stream: inout RandomStream
    ) throws(HeadConfigurationError) {
        try configuration.validate()
        self.configuration = configuration
        pyramid = try DetectionPyramid(configuration, inputs: inputs, &stream)
        proposer = RegionProposalNetwork(configuration, levels: pyramid.outputSpecs, &stream)
        regions = RegionHeads(configuration, &stream)
    }

    public static var slots: [Slot<MaskRCNN>] {
        [
            .layer("backbone", \.pyramid), .layer("proposal_generator", \.proposer), .layer("roi_heads", \.regions),
        ]
    }

    /// Terms `rpn_objectness`, `rpn_box`, `roi_class`, `roi_box`, `roi_mask`; the last three of each stage in a cascade.
    public func loss(_ features: FeatureMaps, _ targets: [DetectionTarget], _ forward: Forward) -> [LossTerm] {
        let maps = pyramid(features, forward)
        precondition(
            targets.count == maps.maps[0].map.shape[0], "\(targets.count) targets for maps \(maps.maps[0].map.shape)")
        let drawn = configuration.rules.drawsPolygonsFirst
        let truths = targets.map { target in
            drawn ? target.learnable.map { $0.drawn(on: target.size) } : target.learnable
        }
        let contents = targets.map(\.size)
        let output = proposer(maps, forward)
        let limits = forward.mode == .training ? configuration.trainingProposals : configuration.evaluationProposals
        let proposals = proposer.proposals(output, contents: contents, limits: limits)
        return proposer.loss(output, truths, contents: contents, forward)
            + regions.loss(maps, proposals: proposals, truths: truths, contents: contents, forward)
    }

    public func predict(_ features: FeatureMaps, sizes: [PictureFrame], _ forward: Forward) -> [Detections] {
        let maps = pyramid(features, forward)
        let proposals = proposer.proposals(
            proposer(maps, forward), contents: sizes.map(\.content), limits: configuration.evaluationProposals)
        return regions.predict(maps, proposals: proposals, frames: sizes, forward)
    }
}
