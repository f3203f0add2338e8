/// Parameters and work of a ViT, from its shape alone. One multiply-add counts as two flops.
public struct ViTCost: Sendable {
    private let vit: ViTConfiguration

    public init(_ configuration: ViTConfiguration) { vit = configuration }

    /// All values of the backbone, positions included, without a head.
    public var parameterCount: Int {
        let (c, p) = (vit.width, vit.patchSize)
        let hidden = Int(Double(c) * vit.mlpRatio)
        let block = 4 * c + (3 * c * c + 3 * c) + (c * c + c) + (2 * c * hidden + hidden + c)
        let side = vit.imageSize / p
        return c + (1 + side * side) * c + (3 * p * p * c + c) + vit.depth * block + 2 * c
    }

    /// Flops of one picture's forward pass: products only, as the field counts them.
    public func forwardFlops(height: Int, width: Int) -> Double {
        let (c, p) = (Double(vit.width), Double(vit.patchSize))
        let patches = Double(height / vit.patchSize * (width / vit.patchSize))
        let tokens = patches + 1
        let products = tokens * c * c * (4 + 2 * vit.mlpRatio)
        let attention = 2 * tokens * tokens * c
        return 2 * (patches * 3 * p * p * c + Double(vit.depth) * (products + attention))
    }
}
