import Autograd
import Determinism
import NeuralLayers

/// Convolution without bias, batch normalisation, ReLU: mmsegmentation's `ConvModule`.
/// Checkpoint names `conv.weight`, `bn.*`.
final class ConvBatchNormReLU: Layer {
    let conv: Conv2d
    let norm: BatchNorm

    init(_ inputs: Int, _ outputs: Int, kernel: Int, _ stream: inout RandomStream) {
        conv = Conv2d(
            inputs, outputs, kernel: kernel, padding: kernel / 2, bias: false,
            initialization: .fanOut(outputs, kernel: kernel), &stream)
        norm = BatchNorm(outputs)
    }

    static var slots: [Slot<ConvBatchNormReLU>] { [.layer("conv", \.conv), .layer("bn", \.norm)] }

    func callAsFunction(_ x: Variable, _ forward: Forward) -> Variable { norm(conv(x, forward), forward).relu() }
}

/// What follows the convolutions of a pyramid or a region head.
public enum ConvolutionNorm: String, Sendable, CaseIterable {
    /// Layer normalisation of the channels (ViTDet).
    case layer
    /// Batch normalisation (iBOT's cascade, torchvision's second Mask R-CNN).
    case batch
    /// None: the convolution has a bias.
    case none
}

/// A convolution and its normalisation: detectron2's `Conv2d` with a `norm`.
/// Checkpoint names `weight`, `bias` where nothing follows, `norm.*`.
final class NormedConvolution: Layer {
    private let conv: Conv2d
    private let layerNorm: LayerNorm?
    private let batchNorm: BatchNorm?

    init(_ inputs: Int, _ outputs: Int, kernel: Int, norm: ConvolutionNorm, _ stream: inout RandomStream) {
        conv = Conv2d(
            inputs, outputs, kernel: kernel, padding: kernel / 2, bias: norm == .none,
            initialization: .fanOut(outputs, kernel: kernel), &stream)
        layerNorm = norm == .layer ? LayerNorm(outputs) : nil
        batchNorm = norm == .batch ? BatchNorm(outputs) : nil
    }

    static var slots: [Slot<NormedConvolution>] {
        [
            .parameter("weight", \.conv.weight), .parameter("bias", \.conv.bias), .layer("norm", \.layerNorm),
            .layer("norm", \.batchNorm),
        ]
    }

    func callAsFunction(_ x: Variable, _ forward: Forward) -> Variable {
        let y = conv(x, forward)
        return layerNorm?(y, forward) ?? batchNorm?(y, forward) ?? y
    }
}

extension Initialization {
    /// He et al.'s deviation over the fan out: `√(2 / (out · k²))`, the default of both libraries for these layers.
    static func fanOut(_ outputs: Int, kernel: Int) -> Initialization {
        .normal((2 / Double(outputs * kernel * kernel)).squareRoot())
    }
}
