import NeuralLayers

/// How patches learn where they are.
public enum PositionEmbedding: String, Sendable, CaseIterable {
    /// Fixed two-dimensional sines and cosines (MAE, MoCo v3).
    case sinCos
    /// A trained table (iBOT, DINO).
    case learned
    /// None: the blocks know relative positions (BEiT).
    case none
}

/// How a trained table of positions is brought to another grid.
public enum PositionResize: String, Sendable, CaseIterable {
    /// Bicubic between the two sizes.
    case bicubic
    /// Bicubic with 0.1 added to the wanted size, as DINO, iBOT and DINOv2 do it.
    case bicubicOffset
}

/// The shape of a ViT.
public struct ViTConfiguration: Sendable, Equatable {
    public var imageSize: Int
    public var patchSize: Int
    public var width: Int
    public var depth: Int
    public var headCount: Int
    public var mlpRatio: Double
    public var position: PositionEmbedding
    public var dropPath: Double
    public var positionResize = PositionResize.bicubic
    /// Tokens without a place that stand between class token and patches (DINOv2 with registers).
    public var registerCount = 0
    /// What the blocks have beyond the plain ViT's.
    public var block = BlockOptions.plain
    /// Whether a layer norm follows the last block.
    public var hasFinalNorm = true

    public init(
        imageSize: Int = 224, patchSize: Int = 16, width: Int, depth: Int = 12, headCount: Int, mlpRatio: Double = 4,
        position: PositionEmbedding = .learned, dropPath: Double = 0
    ) {
        self.imageSize = imageSize
        self.patchSize = patchSize
        self.width = width
        self.depth = depth
        self.headCount = headCount
        self.mlpRatio = mlpRatio
        self.position = position
        self.dropPath = dropPath
    }
}
