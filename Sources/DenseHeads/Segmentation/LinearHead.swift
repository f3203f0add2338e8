import Autograd
import Determinism
import NeuralLayers

/// Batch normalisation and one linear classifier a patch: the probe of frozen features.
///
/// Several maps of one grid are joined by channels. Dropout, where there is any, comes before the normalisation.
///
/// - Source: DINOv2's `BNHead` (names `bn.*`, `conv_seg`); DINOv3 adds dropout 0.1; iBOT's probe (mmsegmentation's
///   `FCNHead` without convolutions) leaves the normalisation out.
public final class LinearHead: SemanticDecoder {
    public let classCount: Int
    private let dropout: Double
    private let norm: BatchNorm?
    private let classifier: Conv2d

    /// - Parameter normalizes: `false` leaves batch normalisation out.
    public init(
        inputs: [FeatureSpec], classCount: Int, dropout: Double = 0, normalizes: Bool = true,
        _ stream: inout RandomStream
    ) throws(HeadConfigurationError) {
        guard let first = inputs.first, inputs.allSatisfy({ $0.stride == first.stride }), classCount >= 1 else {
            throw HeadConfigurationError(
                head: "LinearHead", expected: "maps of one stride and at least one class",
                found: "strides \(inputs.map(\.stride)), \(classCount) classes", remedy: "read the taps of a plain ViT")
        }
        self.classCount = classCount
        self.dropout = dropout
        let channels = inputs.reduce(0) { $0 + $1.channels }
        norm = normalizes ? BatchNorm(channels) : nil
        classifier = Conv2d(channels, classCount, kernel: 1, initialization: .normal(0.01), &stream)
    }

    public static var slots: [Slot<LinearHead>] { [.layer("conv_seg", \.classifier), .layer("bn", \.norm)] }

    public func callAsFunction(_ features: FeatureMaps, _ forward: Forward) -> Variable {
        let maps = features.maps.map(\.map)
        let joined = maps.count == 1 ? maps[0] : Variable.concatenated(maps, axis: 3)
        let kept = joined.channelDropout(dropout, purpose: "linear_head.dropout", forward)
        return classifier(norm?(kept, forward) ?? kept, forward)
    }
}
