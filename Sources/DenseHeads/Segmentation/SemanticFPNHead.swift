import Autograd
import Determinism
import NeuralLayers

/// Semantic FPN: a feature pyramid network whose levels are brought to the finest grid and added.
///
/// With `Conv` = 3x3 convolution without bias, BatchNorm, ReLU: a level goes through one `Conv` for each halving of its
/// grid, each followed by a doubling of the map (bilinear); the finest level through one `Conv`. The sum goes through
/// channel dropout and the classifier.
///
/// - Source: Kirillov et al. 2019, arXiv:1901.02446, §3.1; mmsegmentation's `fpn_head.py` (names `scale_heads.i.j.*`,
///   `conv_seg`), its `FPN` neck below `fpn`.
public final class SemanticFPNHead: SemanticDecoder {
    public let classCount: Int
    private let dropout: Double
    private let pyramid: FeaturePyramidNetwork
    private let scales: [ScaleBranch]
    private let classifier: Conv2d

    /// - Parameters:
    ///   - inputs: finest first; strides double from one to the next.
    ///   - pyramidChannels: of the feature pyramid network.
    ///   - channels: of the branches.
    public init(
        inputs: [FeatureSpec], pyramidChannels: Int = 256, channels: Int = 128, classCount: Int, dropout: Double = 0.1,
        _ stream: inout RandomStream
    ) throws(HeadConfigurationError) {
        guard channels >= 1, classCount >= 1 else {
            throw HeadConfigurationError(
                head: "SemanticFPNHead", expected: "positive sizes",
                found: "\(channels) channels, \(classCount) classes", remedy: "correct the head's configuration")
        }
        pyramid = try FeaturePyramidNetwork(
            inputs: inputs, channels: pyramidChannels, hasTopLevel: false, &stream)
        var scales: [ScaleBranch] = []
        for level in inputs.indices {
            scales.append(ScaleBranch(pyramidChannels, channels, halvings: level, &stream))
        }
        self.scales = scales
        self.classCount = classCount
        self.dropout = dropout
        classifier = Conv2d(channels, classCount, kernel: 1, initialization: .normal(0.01), &stream)
    }

    public static var slots: [Slot<SemanticFPNHead>] {
        [.layer("conv_seg", \.classifier), .layers("scale_heads", \.scales), .layer("fpn", \.pyramid)]
    }

    /// - Returns: logits on the finest map's grid.
    public func callAsFunction(_ features: FeatureMaps, _ forward: Forward) -> Variable {
        let levels = pyramid(features, forward).maps.map(\.map)
        var sum = scales[0](levels[0], forward)
        for (branch, level) in zip(scales, levels).dropFirst() {
            sum = sum + branch(level, forward).resizedBilinear(to: sum.grid)
        }
        return classifier(sum.channelDropout(dropout, purpose: "decode_head.dropout", forward), forward)
    }
}

/// One level's convolutions; in the reference's sequence doublings stand between them.
private final class ScaleBranch: Layer {
    private let convolutions: [ConvBatchNormReLU]
    private let doubles: Bool

    init(_ inputs: Int, _ outputs: Int, halvings: Int, _ stream: inout RandomStream) {
        var convolutions: [ConvBatchNormReLU] = []
        for index in 0..<max(halvings, 1) {
            convolutions.append(ConvBatchNormReLU(index == 0 ? inputs : outputs, outputs, kernel: 3, &stream))
        }
        self.convolutions = convolutions
        doubles = halvings > 0
    }

    private subscript(position position: Int) -> ConvBatchNormReLU? {
        let index = position / 2
        return position % 2 == 0 && convolutions.indices.contains(index) ? convolutions[index] : nil
    }

    static var slots: [Slot<ScaleBranch>] { (0..<8).map { .layer("\($0)", \ScaleBranch.[position: $0]) } }

    func callAsFunction(_ x: Variable, _ forward: Forward) -> Variable {
        var x = x
        for convolution in convolutions {
            x = convolution(x, forward)
            if doubles { x = x.resizedBilinear(to: (2 * x.grid.height, 2 * x.grid.width)) }
        }
        return x
    }
}
