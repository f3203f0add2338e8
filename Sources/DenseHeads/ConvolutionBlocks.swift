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

/// Convolution without bias and layer normalisation of its channels: detectron2's `Conv2d` with `norm="LN"`.
/// Checkpoint names `weight`, `norm.weight`, `norm.bias`.
final class ConvLayerNorm: Layer {
    private let conv: Conv2d
    private let norm: LayerNorm

    init(_ inputs: Int, _ outputs: Int, kernel: Int, _ stream: inout RandomStream) {
        conv = Conv2d(
            inputs, outputs, kernel: kernel, padding: kernel / 2, bias: false,
            initialization: .fanOut(outputs, kernel: kernel), &stream)
        norm = LayerNorm(outputs)
    }

    static var slots: [Slot<ConvLayerNorm>] { [.parameter("weight", \.conv.weight), .layer("norm", \.norm)] }

    func callAsFunction(_ x: Variable, _ forward: Forward) -> Variable { norm(conv(x, forward), forward) }
}

extension Initialization {
    /// He et al.'s deviation over the fan out: `√(2 / (out · k²))`, the default of both libraries for these layers.
    static func fanOut(_ outputs: Int, kernel: Int) -> Initialization {
        .normal((2 / Double(outputs * kernel * kernel)).squareRoot())
    }
}
