import Autograd
import Determinism
import NeuralLayers
import TensorCore

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

    func callAsFunction(_ x: Variable, _ forward: Forward) -> Variable {
        if forward.mode == .evaluation && forward.tape == nil {
            let (weight, bias) = norm.folded(into: conv.weight.value)
            return x.conv2d(
                weight, bias, stride: conv.stride, padding: conv.padding, activation: .relu, bf16: forward.bf16)
        }
        return norm(conv(x, forward), relu: true, forward)
    }
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

    /// - Parameter relu: whether a ReLU follows.
    func callAsFunction(_ x: Variable, relu: Bool = false, _ forward: Forward) -> Variable {
        if let batchNorm { return batchNorm(conv(x, forward), relu: relu, forward) }
        guard let layerNorm else { return conv(x, activation: relu ? .relu : .none, forward) }
        return layerNorm(conv(x, forward), relu: relu, forward)
    }
}

extension BatchNorm {
    /// Weights and bias of a convolution that does the normalisation too, by the running statistics:
    /// `w γ/σ` and `β − μ γ/σ`.
    ///
    /// - Parameter weight: `(C, …)` of a convolution without bias.
    func folded(into weight: Tensor) -> (weight: Variable, bias: Variable) {
        let channels = running.mean.count
        let (means, variances) = (running.mean.doubles(), running.variance.doubles())
        let (gamma, beta) = (self.weight?.value.doubles(), self.bias?.value.doubles())
        let scales = (0..<channels).map { (gamma?[$0] ?? 1) / (variances[$0] + epsilon).squareRoot() }
        let biases = (0..<channels).map { (beta?[$0] ?? 0) - means[$0] * scales[$0] }
        let (dtype, area) = (weight.dtype, weight.count / channels)
        let scaled = Tensor(uninitialized: weight.shape, dtype)
        let table = Kernels.table(dtype)
        for channel in 0..<channels {
            let offset = channel * area * dtype.size
            table.pointee.scale(scaled.raw + offset, weight.raw + offset, scales[channel], area)
        }
        return (Variable(scaled), Variable(Tensor(biases, [channels]).converted(to: dtype)))
    }
}

extension Initialization {
    /// He et al.'s deviation over the fan out: `√(2 / (out · k²))`, the default of both libraries for these layers.
    static func fanOut(_ outputs: Int, kernel: Int) -> Initialization {
        .normal((2 / Double(outputs * kernel * kernel)).squareRoot())
    }
}
