import Autograd
import Determinism
import TensorCore

/// How fresh weights are drawn.
public enum Initialization: Sendable {
    /// Normal, redrawn outside two deviations; ViT uses 0.02.
    case truncatedNormal(Double)
    case normal(Double)
    /// Uniform within `√(6 / (in + out))` (Glorot, Bengio 2010).
    case xavierUniform
    /// Normal with deviation `√(2 / in)` (He et al. 2015).
    case kaimingNormal

    /// A tensor of fresh values, zeros from a blank stream; fans are those of a `(out, in, …)` weight.
    public func draw(_ shape: [Int], fanIn: Int, fanOut: Int, _ stream: inout RandomStream) -> Tensor {
        if stream.isBlank { return .zeros(shape) }
        let count = shape.reduce(1, *)
        let values: [Float] = (0..<count).map { _ in
            switch self {
            case .truncatedNormal(let deviation): return Float(stream.truncatedNormal(deviation))
            case .normal(let deviation): return Float(stream.normal() * deviation)
            case .xavierUniform:
                let bound = (6 / Double(fanIn + fanOut)).squareRoot()
                return Float(stream.uniform(-bound...bound))
            case .kaimingNormal: return Float(stream.normal() * (2 / Double(fanIn)).squareRoot())
            }
        }
        return Tensor(values, shape)
    }
}

/// `y = act(x Wᵀ + b) + residual` on the last axis. Checkpoint names `weight (out, in)`, `bias (out)`.
public final class Linear: Layer {
    public let weight: Parameter
    public let bias: Parameter?

    public init(
        _ inputs: Int, _ outputs: Int, bias: Bool = true, initialization: Initialization = .xavierUniform,
        _ stream: inout RandomStream
    ) {
        weight = Parameter(
            initialization.draw([outputs, inputs], fanIn: inputs, fanOut: outputs, &stream), isProductOperand: true)
        self.bias = bias ? Parameter(.zeros([outputs])) : nil
    }

    public static var slots: [Slot<Linear>] { [.parameter("weight", \.weight), .parameter("bias", \.bias)] }

    /// - Parameter half: a bfloat16 result where products are rounded.
    public func callAsFunction(
        _ x: Variable, activation: Activation = .none, residual: Variable? = nil, half: Bool = false,
        _ forward: Forward
    ) -> Variable {
        x.linear(
            forward(weight), forward(bias), activation: activation, residual: residual, bf16: forward.bf16,
            half: half && forward.bf16)
    }
}

/// Layer normalisation of the last axis. Checkpoint names `weight (C)`, `bias (C)`.
public final class LayerNorm: Layer {
    public let weight: Parameter
    public let bias: Parameter
    public let epsilon: Double

    public init(_ channels: Int, epsilon: Double = 1e-6) {
        weight = Parameter(.full([channels], 1))
        bias = Parameter(.zeros([channels]))
        self.epsilon = epsilon
    }

    public static var slots: [Slot<LayerNorm>] { [.parameter("weight", \.weight), .parameter("bias", \.bias)] }

    /// - Parameters:
    ///   - relu: a ReLU behind it.
    ///   - half: a bfloat16 result where products are rounded: for values that only products read.
    public func callAsFunction(_ x: Variable, relu: Bool = false, half: Bool = false, _ forward: Forward) -> Variable {
        x.layerNorm(forward(weight), forward(bias), epsilon: epsilon, relu: relu, half: half && forward.bf16)
    }
}

/// Convolution of `(N, H, W, I)`. Checkpoint names `weight (O, I, k, k)`, `bias (O)`.
public final class Conv2d: Layer {
    public let weight: Parameter
    public let bias: Parameter?
    public let stride: Int
    public let padding: Int

    public init(
        _ inputs: Int, _ outputs: Int, kernel: Int, stride: Int = 1, padding: Int = 0, bias: Bool = true,
        initialization: Initialization = .kaimingNormal, _ stream: inout RandomStream
    ) {
        let area = kernel * kernel
        weight = Parameter(
            initialization.draw(
                [outputs, inputs, kernel, kernel], fanIn: inputs * area, fanOut: outputs * area, &stream))
        self.bias = bias ? Parameter(.zeros([outputs])) : nil
        self.stride = stride
        self.padding = padding
    }

    public static var slots: [Slot<Conv2d>] { [.parameter("weight", \.weight), .parameter("bias", \.bias)] }

    public func callAsFunction(_ x: Variable, activation: Activation = .none, _ forward: Forward) -> Variable {
        x.conv2d(
            forward(weight), forward(bias), stride: stride, padding: padding, activation: activation,
            bf16: forward.bf16)
    }
}

/// Transposed convolution, kernel 2, stride 2. Checkpoint names `weight (I, O, 2, 2)`, `bias (O)`.
public final class ConvTranspose2x2: Layer {
    public let weight: Parameter
    public let bias: Parameter?

    public init(_ inputs: Int, _ outputs: Int, bias: Bool = true, _ stream: inout RandomStream) {
        weight = Parameter(
            Initialization.kaimingNormal.draw([inputs, outputs, 2, 2], fanIn: inputs, fanOut: outputs, &stream))
        self.bias = bias ? Parameter(.zeros([outputs])) : nil
    }

    public static var slots: [Slot<ConvTranspose2x2>] { [.parameter("weight", \.weight), .parameter("bias", \.bias)] }

    public func callAsFunction(_ x: Variable, _ forward: Forward) -> Variable {
        x.convTranspose2x2(forward(weight), forward(bias), bf16: forward.bf16)
    }
}

/// Batch normalisation over all axes but the last, synchronised over the ranks that share the batch.
/// Checkpoint names `weight`, `bias`, `running_mean`, `running_var`, each `(C)`.
public final class BatchNorm: Layer {
    public let weight: Parameter?
    public let bias: Parameter?
    public let running: BatchNormStatistics
    public let epsilon: Double

    /// - Parameter affine: `false` leaves scale and shift out.
    public init(_ channels: Int, affine: Bool = true, epsilon: Double = 1e-5, dtype: DType = .f32) {
        weight = affine ? Parameter(.full([channels], 1, dtype)) : nil
        bias = affine ? Parameter(.zeros([channels], dtype)) : nil
        running = BatchNormStatistics(channels: channels, dtype: dtype)
        self.epsilon = epsilon
    }

    public static var slots: [Slot<BatchNorm>] {
        [
            .parameter("weight", \.weight), .parameter("bias", \.bias), .buffer("running_mean", \.running.mean),
            .buffer("running_var", \.running.variance),
        ]
    }

    public func callAsFunction(_ x: Variable, relu: Bool = false, _ forward: Forward) -> Variable {
        x.batchNorm(
            forward(weight), forward(bias), running: running, training: forward.mode == .training, epsilon: epsilon,
            relu: relu, group: forward.group)
    }
}
