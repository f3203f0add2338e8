import Autograd
import DenseHeads
import Determinism
import NeuralLayers

/// A decoder with what is trained below and beside it, whichever decoder it is.
protocol Segmenter: Layer {
    func logits(_ features: FeatureMaps, _ forward: Forward) -> Variable
    func loss(_ features: FeatureMaps, _ targets: [SemanticLabels], _ forward: Forward) -> [LossTerm]
    func predict(_ features: FeatureMaps, sizes: [PictureFrame], _ forward: Forward) -> [SemanticLabels]
}

extension SemanticSegmenter: Segmenter {}

extension SegmentationArchitecture {
    /// The head with fresh weights.
    ///
    /// - Parameters:
    ///   - taps: what the tapped blocks give.
    ///   - last: what the last block gives.
    func segmenter(
        taps: [FeatureSpec], last: FeatureSpec, _ stream: inout RandomStream
    ) throws(HeadConfigurationError) -> any Segmenter {
        let ignore = Int32(ignoreLabel)
        switch head {
        case .upernet:
            let neck = try MultiTapPyramid(taps: taps, &stream)
            let decoder = try UPerHead(
                inputs: neck.outputSpecs, channels: channels, classCount: classCount, dropout: dropout, &stream)
            let auxiliary: FCNHead? =
                hasAuxiliary
                ? try FCNHead(
                    inputs: neck.outputSpecs, channels: auxiliaryChannels > 0 ? auxiliaryChannels : channels,
                    classCount: classCount, dropout: dropout, &stream) : nil
            return try SemanticSegmenter(neck: neck, decoder: decoder, auxiliary: auxiliary, ignoreLabel: ignore)
        case .semanticFPN:
            let neck = try MultiTapPyramid(taps: taps, &stream)
            let decoder = try SemanticFPNHead(
                inputs: neck.outputSpecs, pyramidChannels: pyramidChannels > 0 ? pyramidChannels : channels,
                channels: channels, classCount: classCount, dropout: dropout, &stream)
            return try SemanticSegmenter(neck: neck, decoder: decoder, ignoreLabel: ignore)
        case .fcn:
            let decoder = try FCNHead(
                inputs: [last], inputIndex: 0, channels: channels, convolutionCount: 2, classCount: classCount,
                dropout: dropout, &stream)
            return try SemanticSegmenter(neck: nil, decoder: decoder, ignoreLabel: ignore)
        case .linear:
            let decoder = try LinearHead(
                inputs: taps.isEmpty ? [last] : taps, classCount: classCount, normalizes: hasBatchNorm, &stream)
            return try SemanticSegmenter(neck: nil, decoder: decoder, ignoreLabel: ignore)
        }
    }
}
