import NeuralLayers

/// A named ViT shape.
public struct ViTVariant: Sendable, Equatable {
    public let name: String
    public let configuration: ViTConfiguration

    public init(name: String, configuration: ViTConfiguration) {
        self.name = name
        self.configuration = configuration
    }
}

/// The ViT shapes that have a name, smallest first: pictures of 224, patch 16, twelve blocks (24 of the large one).
///
/// | name | width | heads | parameters with a 1000-way head |
/// |:--|--:|--:|--:|
/// | vit-tiny | 192 | 3 | 5,717,416 |
/// | vit-small | 384 | 6 | 22,050,664 |
/// | vit-base | 768 | 12 | 86,567,656 |
/// | vit-large | 1024 | 16 | 304,326,632 |
///
/// - Source: Touvron et al. 2021, arXiv:2012.12877, table 1; Dosovitskiy et al. 2021, arXiv:2010.11929, table 1.
public enum ViTVariants {
    public static let all = [
        ViTVariant(name: "vit-tiny", configuration: ViTConfiguration(width: 192, headCount: 3)),
        ViTVariant(name: "vit-small", configuration: ViTConfiguration(width: 384, headCount: 6)),
        ViTVariant(name: "vit-base", configuration: ViTConfiguration(width: 768, headCount: 12)),
        ViTVariant(name: "vit-large", configuration: ViTConfiguration(width: 1024, depth: 24, headCount: 16)),
    ]

    public static var names: [String] { all.map(\.name) }

    /// The variant of a name; nil for an unknown one.
    public static func named(_ name: String) -> ViTVariant? { all.first { $0.name == name } }

    /// The variant whose widths and depth a configuration has, at any picture size and head count.
    public static func matching(_ configuration: ViTConfiguration) -> ViTVariant? {
        all.first {
            $0.configuration.width == configuration.width && $0.configuration.depth == configuration.depth
                && $0.configuration.patchSize == configuration.patchSize
                && $0.configuration.hiddenWidth == configuration.hiddenWidth
        }
    }
}

extension ViTConfiguration {
    /// The width between the two layers of a block's perceptron.
    public var hiddenWidth: Int { Int(Double(width) * mlpRatio) }

    /// Values in the checkpoint: position table, class token and all layers, whether trained or not.
    ///
    /// - Parameter classCount: outputs of a linear classifier on the class token; 0 for none.
    public func parameterCount(classCount: Int = 0) -> Int {
        let side = imageSize / patchSize
        let embedding = 3 * patchSize * patchSize * width + width
        let positions = width * (1 + registerCount + (position == .none ? 0 : 1 + side * side))
        let biases = [.full: 3, .queryAndValue: 2, .none: 0][block.projectionBias]! * width
        let tables =
            (block.relativeBiasSide.map { ((2 * $0 - 1) * (2 * $0 - 1) + 3) * headCount } ?? 0)
            + (block.decomposedSide.map { 2 * (2 * $0 - 1) * (width / headCount) } ?? 0)
        let attention = 4 * width * width + biases + width + tables
        let perceptron =
            block.perceptron == .gelu
            ? 2 * width * hiddenWidth + hiddenWidth + width : 3 * width * hiddenWidth + 2 * hiddenWidth + width
        let scales = block.layerScale == nil ? 0 : 2 * width
        let head = classCount > 0 ? classCount * (width + 1) : 0
        return embedding + positions + depth * (attention + perceptron + scales + 4 * width)
            + (hasFinalNorm ? 2 * width : 0) + head
    }

    /// Floating-point operations of one forward pass of one picture, two a multiply-add.
    ///
    /// Counted are the matrix products: patch projection, q/k/v, scores, weighted values, output projection, perceptron
    /// and classifier. Norms, softmax, GELU, biases and sums are not; they are below 1 % of a ViT of pictures of 224.
    ///
    /// - Parameters:
    ///   - size: pixels a side of a square picture; `imageSize` when absent.
    ///   - classCount: outputs of a linear classifier on the class token; 0 for none.
    public func flops(at size: Int? = nil, classCount: Int = 0) -> Double {
        let side = Double((size ?? imageSize) / patchSize)
        let (patches, tokens) = (side * side, side * side + Double(1 + registerCount))
        let (wide, hidden) = (Double(width), Double(hiddenWidth))
        let embedding = patches * Double(3 * patchSize * patchSize) * wide
        let layers = block.perceptron == .gelu ? 2.0 : 3.0
        let one = tokens * wide * (4 * wide + layers * hidden) + 2 * tokens * tokens * wide
        return 2 * (embedding + Double(depth) * one + wide * Double(classCount))
    }
}
