import Autograd
import Determinism
import TensorCore

/// Multi-head self-attention. Checkpoint names `qkv`, `proj`.
public final class Attention: Layer {
    public let qkv: Linear
    public let proj: Linear
    public let headCount: Int

    public init(width: Int, heads: Int, _ stream: inout RandomStream) {
        precondition(width % heads == 0, "attention: width \(width) for \(heads) heads")
        headCount = heads
        qkv = Linear(width, 3 * width, initialization: .xavierUniform, &stream)
        proj = Linear(width, width, initialization: .xavierUniform, &stream)
    }

    public static var slots: [Slot<Attention>] { [.layer("qkv", \.qkv), .layer("proj", \.proj)] }
}

/// The two-layer perceptron of a block. Checkpoint names `fc1`, `fc2`.
public final class MLP: Layer {
    public let fc1: Linear
    public let fc2: Linear

    public init(_ width: Int, hidden: Int, outputs: Int? = nil, _ stream: inout RandomStream) {
        fc1 = Linear(width, hidden, &stream)
        fc2 = Linear(hidden, outputs ?? width, &stream)
    }

    public static var slots: [Slot<MLP>] { [.layer("fc1", \.fc1), .layer("fc2", \.fc2)] }
}

/// A pre-norm transformer block: `x += proj(attention(qkv(norm1 x)))`, then `x += fc2(gelu(fc1(norm2 x)))`.
///
/// Checkpoint names `norm1`, `attn.qkv`, `attn.proj`, `norm2`, `mlp.fc1`, `mlp.fc2`.
/// - Source: Dosovitskiy et al. 2021, arXiv:2010.11929, eqs. 2–3.
public final class TransformerBlock: Layer {
    public let norm1: LayerNorm
    public let attention: Attention
    public let norm2: LayerNorm
    public let mlp: MLP
    /// The probability that a picture skips a branch in training.
    public let dropPath: Double
    private let index: UInt64

    public init(
        width: Int, heads: Int, mlpRatio: Double = 4, dropPath: Double = 0, index: Int = 0, _ stream: inout RandomStream
    ) {
        norm1 = LayerNorm(width)
        attention = Attention(width: width, heads: heads, &stream)
        norm2 = LayerNorm(width)
        mlp = MLP(width, hidden: Int(Double(width) * mlpRatio), &stream)
        self.dropPath = dropPath
        self.index = UInt64(index)
    }

    public static var slots: [Slot<TransformerBlock>] {
        [.layer("norm1", \.norm1), .layer("attn", \.attention), .layer("norm2", \.norm2), .layer("mlp", \.mlp)]
    }

    /// - Parameter x: `(N, T, C)`.
    public func callAsFunction(_ x: Variable, _ forward: Forward) -> Variable {
        let mixed = attention.qkv(norm1(x, forward), forward).attention(heads: attention.headCount)
        if forward.mode == .evaluation || dropPath == 0 {
            let y = attention.proj(mixed, residual: x, forward)
            return mlp.fc2(mlp.fc1(norm2(y, forward), activation: .gelu, forward), residual: y, forward)
        }
        let first = RandomStream(seed: forward.seed, purpose: "drop path", index, 0)
        let second = RandomStream(seed: forward.seed, purpose: "drop path", index, 1)
        let y = x + attention.proj(mixed, forward).dropPath(dropPath, stream: first)
        let branch = mlp.fc2(mlp.fc1(norm2(y, forward), activation: .gelu, forward), forward)
        return y + branch.dropPath(dropPath, stream: second)
    }
}
