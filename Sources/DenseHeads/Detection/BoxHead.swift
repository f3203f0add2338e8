import Autograd
import Determinism
import NeuralLayers

/// Convolutions (each with its normalisation and ReLU) and linear layers (with ReLU) on pooled regions.
///
/// Before the first linear layer values are ordered (C, H, W), so that weights are those of the reference's checkpoints.
///
/// - Source: detectron2's `FastRCNNConvFCHead` (names `conv1.*` …, `fc1.*` …).
final class BoxHead: Layer {
    private let convolutions: [NormedConvolution]
    private let linears: [Linear]

    init(_ configuration: MaskRCNNConfiguration, _ stream: inout RandomStream) {
        var (convolutions, linears) = ([NormedConvolution](), [Linear]())
        var channels = configuration.channels
        for _ in 0..<configuration.boxConvolutionCount {
            convolutions.append(
                NormedConvolution(
                    channels, configuration.boxConvolutionChannels, kernel: 3, norm: configuration.convolutionNorm,
                    &stream))
            channels = configuration.boxConvolutionChannels
        }
        var width = channels * configuration.boxPoolSize * configuration.boxPoolSize
        for _ in 0..<configuration.boxLinearCount {
            linears.append(Linear(width, configuration.boxLinearWidth, &stream))
            width = configuration.boxLinearWidth
        }
        self.convolutions = convolutions
        self.linears = linears
    }

    private subscript(convolution index: Int) -> NormedConvolution? {
        convolutions.indices.contains(index) ? convolutions[index] : nil
    }
    private subscript(linear index: Int) -> Linear? { linears.indices.contains(index) ? linears[index] : nil }

    static var slots: [Slot<BoxHead>] {
        (0..<8).map { .layer("conv\($0 + 1)", \BoxHead.[convolution: $0]) }
            + (0..<4).map { .layer("fc\($0 + 1)", \BoxHead.[linear: $0]) }
    }

    /// - Parameter regions: `(R, P, P, C)`.
    /// - Returns: `(R, width)`.
    func callAsFunction(_ regions: Variable, _ forward: Forward) -> Variable {
        var x = regions
        for convolution in convolutions { x = convolution(x, relu: true, forward) }
        x = x.permuted([0, 3, 1, 2]).reshaped([x.shape[0], x.shape[1] * x.shape[2] * x.shape[3]])
        for linear in linears { x = linear(x, activation: .relu, forward) }
        return x
    }
}

/// Class logits, background last, and one box correction a class.
///
/// - Source: detectron2's `FastRCNNOutputLayers` (names `cls_score`, `bbox_pred`).
final class BoxPredictor: Layer {
    private let classes: Linear
    private let boxes: Linear

    init(inputs: Int, classCount: Int, _ stream: inout RandomStream) {
        classes = Linear(inputs, classCount + 1, initialization: .normal(0.01), &stream)
        boxes = Linear(inputs, 4 * classCount, initialization: .normal(0.001), &stream)
    }

    static var slots: [Slot<BoxPredictor>] { [.layer("cls_score", \.classes), .layer("bbox_pred", \.boxes)] }

    /// - Returns: logits `(R, K + 1)` and deltas `(R, 4K)`.
    func callAsFunction(_ x: Variable, _ forward: Forward) -> (logits: Variable, deltas: Variable) {
        (classes(x, forward), boxes(x, forward))
    }
}
