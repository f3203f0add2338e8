import Autograd
import Determinism
import NeuralLayers

/// What a detector stands on.
public enum DetectionPyramidKind: String, Sendable, CaseIterable {
    /// The last map alone: ViTDet's simple feature pyramid.
    case simple
    /// One tapped block a level: transposed convolutions or pooling, then a feature pyramid network (iBOT, CAE).
    case taps
}

/// Turns a plain ViT's maps into the levels of a detector. Checkpoint names `simfp_2.*` …, or `rescale.*` and `neck.*`.
final class DetectionPyramid: Layer {
    let outputSpecs: [FeatureSpec]
    private let simple: SimpleFeaturePyramid?
    private let rescale: MultiTapPyramid?
    private let neck: FeaturePyramidNetwork?

    /// - Parameter inputs: the last map, or one tap a level.
    init(
        _ configuration: MaskRCNNConfiguration, inputs: [FeatureSpec], _ stream: inout RandomStream
    ) throws(HeadConfigurationError) {
        switch configuration.pyramid {
        case .simple:
            guard let last = inputs.last else {
                throw HeadConfigurationError(
                    head: "MaskRCNN", expected: "a map", found: "none", remedy: "give the backbone's last map")
            }
            let pyramid = try SimpleFeaturePyramid(
                input: last, strides: configuration.strides, channels: configuration.channels,
                hasTopLevel: configuration.hasTopLevel, &stream)
            (simple, rescale, neck) = (pyramid, nil, nil)
            outputSpecs = pyramid.outputSpecs
        case .taps:
            let taps = try MultiTapPyramid(taps: inputs, strides: configuration.strides, &stream)
            let network = try FeaturePyramidNetwork(
                inputs: taps.outputSpecs, channels: configuration.channels, hasTopLevel: configuration.hasTopLevel,
                &stream)
            (simple, rescale, neck) = (nil, taps, network)
            outputSpecs = network.outputSpecs
        }
    }

    static var slots: [Slot<DetectionPyramid>] {
        [.inline(\.simple), .layer("rescale", \.rescale), .layer("neck", \.neck)]
    }

    func callAsFunction(_ features: FeatureMaps, _ forward: Forward) -> FeatureMaps {
        if let simple { return simple(features, forward) }
        guard let rescale, let neck else { preconditionFailure("a pyramid of no kind") }
        return neck(rescale(features, forward), forward)
    }
}
