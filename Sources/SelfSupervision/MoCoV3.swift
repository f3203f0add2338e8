import Autograd
import Determinism
import NeuralLayers
import TensorCore

/// A perceptron with batch norm after every layer, ReLU between; the last norm has no scale and shift.
public final class ContrastiveHead: Layer {
    let linears: [Linear]
    let norms: [BatchNorm]

    init(_ sizes: [Int], _ stream: inout RandomStream) {
        linears = (1..<sizes.count).map {
            Linear(sizes[$0 - 1], sizes[$0], bias: false, initialization: .kaimingNormal, &stream)
        }
        norms = (1..<sizes.count).map { BatchNorm(sizes[$0], affine: $0 < sizes.count - 1) }
    }

    public static var slots: [Slot<ContrastiveHead>] { [.layers("linear", \.linears), .layers("norm", \.norms)] }

    func callAsFunction(_ x: Variable, _ forward: Forward) -> Variable {
        var x = x
        for (index, linear) in linears.enumerated() {
            x = norms[index](linear(x, forward), forward)
            if index < linears.count - 1 { x = x.relu() }
        }
        return x
    }
}

/// What of the encoder is contrasted.
public enum ContrastPooling: String, Sendable, CaseIterable {
    /// The class token, the paper's default.
    case classToken
    /// The mean of the patch tokens: the paper's ablation without a class token.
    case meanToken
}

/// An encoder with its projector: the part that the momentum branch follows.
public final class ContrastiveEncoder<Encoder: TokenBackbone>: Layer {
    public let encoder: Encoder
    let projector: ContrastiveHead
    private let pooling: ContrastPooling

    /// - Parameters:
    ///   - hidden: width of the projector's two hidden layers.
    ///   - output: width of the contrasted vectors.
    public init(encoder: Encoder, hidden: Int, output: Int, pooling: ContrastPooling, seed: UInt64) {
        var stream = RandomStream(seed: seed, purpose: "moco projector")
        self.encoder = encoder
        self.pooling = pooling
        projector = ContrastiveHead([encoder.width, hidden, hidden, output], &stream)
    }

    public static var slots: [Slot<ContrastiveEncoder>] {
        [.layer("encoder", \.encoder), .layer("projector", \.projector)]
    }

    func callAsFunction(_ view: ContrastiveView, _ forward: Forward) -> Variable {
        let tokens = encoder.tokens(of: Variable(view.images), forward)
        if let mosaic = view.mosaic { return projector(mosaic.viewTokens(tokens).meanOverAxis1(), forward) }
        return projector(pooling == .classToken ? tokens.classToken : tokens.patches.meanOverAxis1(), forward)
    }
}

/// One view of each picture of a batch.
public struct ContrastiveView {
    /// `(N, H, W, 3)`: the views, or the canvases of a mosaic of them.
    let images: Tensor
    let mosaic: Mosaic?

    /// - Parameters:
    ///   - views: `(N, s, s, 3)`, normalised.
    ///   - mosaic: lays them side by side; the mean of a view's patch tokens is then contrasted.
    public init(_ views: Tensor, mosaic: Mosaic? = nil) {
        images = mosaic?.canvases(of: views) ?? views
        self.mosaic = mosaic
    }
}

/// Contrastive learning with a momentum encoder, symmetric in its two views.
///
///     L = 2τ [ CE(q₁·k₂ᵀ/τ) + CE(q₂·k₁ᵀ/τ) ],   the positives on the diagonal
///
/// - Source: Chen, Xie, He 2021, arXiv:2104.02057, algorithm 1; the patch projection stays at its random start (§4.1).
public final class MoCoV3<Encoder: TokenBackbone>: Layer {
    public let base: ContrastiveEncoder<Encoder>
    let predictor: ContrastiveHead
    public let momentum: ContrastiveEncoder<Encoder>
    private let average: MovingAverage
    private let temperature: Double

    /// - Parameters:
    ///   - base, momentum: two encoders of the same shape; the second starts as a copy of the first.
    ///   - frozenPatchProjection: the parameters that keep their random start.
    public init(
        base: ContrastiveEncoder<Encoder>, momentum: ContrastiveEncoder<Encoder>, hidden: Int, output: Int,
        temperature: Double, frozenPatchProjection: [Parameter], seed: UInt64
    ) {
        var stream = RandomStream(seed: seed, purpose: "moco predictor")
        for parameter in frozenPatchProjection { parameter.isTrainable = false }
        self.base = base
        self.momentum = momentum
        self.temperature = temperature
        predictor = ContrastiveHead([output, hidden, output], &stream)
        average = MovingAverage(momentum, following: base)
    }

    public static var slots: [Slot<MoCoV3>] {
        [.layer("base_encoder", \.base), .layer("predictor", \.predictor), .layer("momentum_encoder", \.momentum)]
    }

    /// The contrastive loss of two views of the same pictures.
    public func loss(_ first: ContrastiveView, _ second: ContrastiveView, _ forward: Forward) -> [LossTerm] {
        let (q1, q2) = (predictor(base(first, forward), forward), predictor(base(second, forward), forward))
        // The keys' batch norms use the batch's statistics too; without a tape nothing is recorded.
        let keys = Forward(mode: .training, seed: forward.seed)
        let (k1, k2) = (momentum(first, keys), momentum(second, keys))
        return [
            LossTerm(name: "contrast", value: contrast(q1, k2)), LossTerm(name: "contrast", value: contrast(q2, k1)),
        ]
    }

    /// To be called after each optimizer step.
    public func updateMomentum(_ decay: Double) { average.update(decay: decay) }

    private func contrast(_ queries: Variable, _ keys: Variable) -> Variable {
        let logits = queries.normalized().linear(keys.normalized()).scaled(by: 1 / temperature)
        let labels = (0..<queries.shape[0]).map(Int32.init)
        return logits.crossEntropy(labels: labels).scaled(by: 2 * temperature)
    }
}
