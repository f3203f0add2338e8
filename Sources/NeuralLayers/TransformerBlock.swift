import Autograd
import Determinism
import TensorCore

/// The two-layer perceptron of a block. Checkpoint names `fc1`, `fc2`.
public final class MLP: Layer {
    public let fc1: Linear
    public let fc2: Linear

    public init(
        _ width: Int, hidden: Int, outputs: Int? = nil, initialization: Initialization = .xavierUniform,
        _ stream: inout RandomStream
    ) {
        fc1 = Linear(width, hidden, initialization: initialization, &stream)
        fc2 = Linear(hidden, outputs ?? width, initialization: initialization, &stream)
    }

    public static var slots: [Slot<MLP>] { [.layer("fc1", \.fc1), .layer("fc2", \.fc2)] }

    /// `fc2(gelu(fc1 x)) + residual`.
    public func callAsFunction(_ x: Variable, residual: Variable? = nil, _ forward: Forward) -> Variable {
        x.perceptron(
            (forward(fc1.weight), forward(fc1.bias!)), (forward(fc2.weight), forward(fc2.bias!)), activation: .gelu,
            residual: residual, bf16: forward.bf16)
    }
}

/// DINOv2's gated perceptron: `w3(silu(a) ∘ b)`, `a, b` the halves of `w12 x`. Checkpoint names `w12`, `w3`.
///
/// - Source: Shazeer 2020, arXiv:2002.05202, eq. 6; DINOv2's `swiglu_ffn.py`.
public final class SwiGLU: Layer {
    public let w12: Linear
    public let w3: Linear
    private let hidden: Int

    public init(_ width: Int, hidden: Int, _ stream: inout RandomStream) {
        self.hidden = hidden
        w12 = Linear(width, 2 * hidden, &stream)
        w3 = Linear(hidden, width, &stream)
    }

    public static var slots: [Slot<SwiGLU>] { [.layer("w12", \.w12), .layer("w3", \.w3)] }

    /// What `w3` is applied to.
    func gated(_ x: Variable, _ forward: Forward) -> Variable {
        let both = w12(x, forward)
        let last = both.shape.count - 1
        return both.sliced(axis: last, 0..<hidden).silu()
            .multiplied(by: both.sliced(axis: last, hidden..<2 * hidden))
    }
}

/// One factor a channel. Checkpoint name `gamma (C)`.
///
/// - Source: Touvron et al. 2021, arXiv:2103.17239 (CaiT), eq. 10.
public final class LayerScale: Layer {
    public let gamma: Parameter

    public init(_ channels: Int, value: Double) { gamma = Parameter(.full([channels], value)) }

    public static var slots: [Slot<LayerScale>] { [.parameter("gamma", \.gamma)] }

    public func callAsFunction(_ x: Variable, _ forward: Forward) -> Variable { x.scalingColumns(forward(gamma)) }
}

/// A pre-norm transformer block: `x += ls1(proj(attention(qkv(norm1 x))))`, then `x += ls2(mlp(norm2 x))`.
///
/// Checkpoint names `norm1`, `attn.qkv`, `attn.proj`, `ls1`, `norm2`, `mlp.*`, `ls2`.
/// - Source: Dosovitskiy et al. 2021, arXiv:2010.11929, eqs. 2–3.
public final class TransformerBlock: Layer {
    public let norm1: LayerNorm
    public let attention: Attention
    public let scale1: LayerScale?
    public let norm2: LayerNorm
    public let mlp: MLP?
    public let gated: SwiGLU?
    public let scale2: LayerScale?
    /// The probability that a picture skips a branch in training.
    public let dropPath: Double
    private let index: UInt64

    public init(
        width: Int, heads: Int, mlpRatio: Double = 4, dropPath: Double = 0, index: Int = 0,
        options: BlockOptions = .plain, _ stream: inout RandomStream
    ) {
        norm1 = LayerNorm(width)
        attention = Attention(width: width, heads: heads, options: options, &stream)
        scale1 = options.layerScale.map { LayerScale(width, value: $0) }
        norm2 = LayerNorm(width)
        let hidden = Int(Double(width) * mlpRatio)
        mlp = options.perceptron == .gelu ? MLP(width, hidden: hidden, &stream) : nil
        gated = options.perceptron == .swiGLU ? SwiGLU(width, hidden: hidden, &stream) : nil
        scale2 = options.layerScale.map { LayerScale(width, value: $0) }
        self.dropPath = dropPath
        self.index = UInt64(index)
    }

    public static var slots: [Slot<TransformerBlock>] {
        [
            .layer("norm1", \.norm1), .layer("attn", \.attention), .layer("ls1", \.scale1), .layer("norm2", \.norm2),
            .layer("mlp", \.mlp), .layer("mlp", \.gated), .layer("ls2", \.scale2),
        ]
    }

    /// - Parameters:
    ///   - x: `(N, T, C)`.
    ///   - onProjection: gets queries, keys and values, `(N, T, 3C)`.
    public func callAsFunction(
        _ x: Variable, _ forward: Forward, onProjection: (Variable) -> Void = { _ in }
    ) -> Variable {
        let mixed = attention.mixed(norm1(x, half: true, forward), forward, onProjection: onProjection)
        let y = joined(x, scale1, branch: 0, forward) { attention.proj(mixed, residual: $0, forward) }
        return perceptron(y, forward)
    }

    /// `x + ls2(mlp(norm2 x))` on rows of any shape.
    public func perceptron(_ x: Variable, _ forward: Forward) -> Variable {
        let normed = norm2(x, half: true, forward)
        return joined(x, scale2, branch: 1, forward) { residual in
            if let mlp { return mlp(normed, residual: residual, forward) }
            return gated!.w3(gated!.gated(normed, forward), residual: residual, forward)
        }
    }

    /// `x + drop(scale(branch))`; the sum is part of the branch's last product where nothing stands between.
    ///
    /// - Parameter make: the branch, with a residual to be added.
    public func joined(
        _ x: Variable, _ scale: LayerScale?, branch: UInt64, _ forward: Forward, _ make: (Variable?) -> Variable
    ) -> Variable {
        let drops = forward.mode == .training && dropPath > 0
        if !drops && scale == nil { return make(x) }
        var y = make(nil)
        if let scale { y = scale(y, forward) }
        if drops {
            let stream = RandomStream(seed: forward.seed, purpose: "drop path", index, branch)
            y = y.dropPath(dropPath, stream: forward.own(stream, pictures: y.shape[0]))
        }
        return x + y
    }
}
