import Autograd
import Determinism
import NeuralLayers

/// A few 3x3 convolutions and a classifier on one map: the auxiliary head of UPerNet.
///
/// - Source: mmsegmentation's `fcn_head.py` with `concat_input=False` (names `convs.i.*`, `conv_seg`).
public final class FCNHead: SemanticDecoder {
    public let classCount: Int
    /// Which of the pyramid's maps it reads.
    public let inputIndex: Int
    private let dropout: Double
    private let convolutions: [ConvBatchNormReLU]
    private let classifier: Conv2d

    /// - Parameter inputIndex: an index into `inputs`; 2 beside UPerNet.
    public init(
        inputs: [FeatureSpec], inputIndex: Int = 2, channels: Int = 256, convolutionCount: Int = 1, classCount: Int,
        dropout: Double = 0.1, _ stream: inout RandomStream
    ) throws(HeadConfigurationError) {
        guard inputs.indices.contains(inputIndex), convolutionCount >= 1, classCount >= 1, channels >= 1 else {
            throw HeadConfigurationError(
                head: "FCNHead", expected: "an input index below \(inputs.count) and positive sizes",
                found:
                    "index \(inputIndex), \(convolutionCount) convolutions, \(channels) channels, \(classCount) classes",
                remedy: "read a map that the pyramid has")
        }
        self.classCount = classCount
        self.inputIndex = inputIndex
        self.dropout = dropout
        var convolutions: [ConvBatchNormReLU] = []
        for index in 0..<convolutionCount {
            convolutions.append(
                ConvBatchNormReLU(index == 0 ? inputs[inputIndex].channels : channels, channels, kernel: 3, &stream))
        }
        self.convolutions = convolutions
        classifier = Conv2d(channels, classCount, kernel: 1, initialization: .normal(0.01), &stream)
    }

    public static var slots: [Slot<FCNHead>] {
        [.layer("conv_seg", \.classifier), .layers("convs", \.convolutions)]
    }

    /// - Returns: logits on the grid of the map it reads.
    public func callAsFunction(_ features: FeatureMaps, _ forward: Forward) -> Variable {
        precondition(inputIndex < features.maps.count, "FCNHead: map \(inputIndex) of \(features.maps.count)")
        var x = features.maps[inputIndex].map
        for convolution in convolutions { x = convolution(x, forward) }
        return classifier(x.channelDropout(dropout, purpose: "auxiliary_head.dropout", forward), forward)
    }
}
