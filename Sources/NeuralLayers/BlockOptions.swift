/// What a transformer block may have beyond the plain ViT's.
public struct BlockOptions: Sendable, Equatable {
    /// Biases of the projection to queries, keys and values.
    public enum ProjectionBias: String, Sendable, CaseIterable {
        case full
        /// BEiT: keys have none, since it would not change the softmax. Checkpoint names `q_bias`, `v_bias`.
        case queryAndValue
        case none
    }

    /// The perceptron behind attention.
    public enum Perceptron: String, Sendable, CaseIterable {
        /// Checkpoint names `fc1`, `fc2`.
        case gelu
        /// `w3(silu(a) ∘ b)` with `a, b` the halves of `w12 x` (DINOv2). Checkpoint names `w12`, `w3`.
        case swiGLU
    }

    public var projectionBias = ProjectionBias.full
    public var perceptron = Perceptron.gelu
    /// The first value of LayerScale's factors on both branches; nil leaves them out.
    public var layerScale: Double?
    /// Patches a side of the grid whose relative positions, class token included, have a trained bias a head (BEiT).
    public var relativeBiasSide: Int?
    /// Tokens a side of the grid with decomposed relative positions (ViTDet); no class token then.
    public var decomposedSide: Int?

    public init() {}

    public static let plain = BlockOptions()
}
