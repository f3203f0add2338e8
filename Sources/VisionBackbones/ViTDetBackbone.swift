import Autograd
import Determinism
import NeuralLayers
import TensorCore

/// The shape of ViTDet's backbone.
public struct ViTDetConfiguration: Sendable, Equatable {
    /// Pixels a side of the square picture that relative positions of global blocks are sized for.
    public var imageSize: Int
    /// Pixels a side that the absolute positions were trained for.
    public var pretrainedSize: Int
    public var patchSize: Int
    public var width: Int
    public var depth: Int
    public var headCount: Int
    public var mlpRatio: Double
    /// Tokens a side of the windows.
    public var window: Int
    /// Blocks that see the whole picture; the others see windows.
    public var globalBlocks: [Int]
    public var dropPath: Double

    public init(
        imageSize: Int = 1024, pretrainedSize: Int = 224, patchSize: Int = 16, width: Int = 768, depth: Int = 12,
        headCount: Int = 12, mlpRatio: Double = 4, window: Int = 14, globalBlocks: [Int] = [2, 5, 8, 11],
        dropPath: Double = 0.1
    ) {
        self.imageSize = imageSize
        self.pretrainedSize = pretrainedSize
        self.patchSize = patchSize
        self.width = width
        self.depth = depth
        self.headCount = headCount
        self.mlpRatio = mlpRatio
        self.window = window
        self.globalBlocks = globalBlocks
        self.dropPath = dropPath
    }
}

/// ViTDet's backbone: a plain ViT whose blocks attend within windows, but for a few, with decomposed relative positions.
///
/// No class token takes part, and no norm follows the last block. A window that the grid does not fill is filled with
/// zeros behind the first norm; they take part in the softmax and are cut away after it.
///
/// Checkpoint names `pos_embed (1, 1 + T, C)`, `patch_embed.proj`, `blocks.i.*` with `attn.rel_pos_h`, `attn.rel_pos_w`.
/// - Source: Li et al. 2022, arXiv:2203.16527; detectron2's `modeling/backbone/vit.py`.
public final class ViTDetBackbone: Backbone {
    public let configuration: ViTDetConfiguration
    public var width: Int { configuration.width }
    public var patchSize: Int { configuration.patchSize }
    public var depth: Int { configuration.depth }
    public let patchEmbedding: PatchEmbedding
    /// The class token's row first; it is not used.
    public let positions: Parameter
    public let blocks: [TransformerBlock]

    public init(_ configuration: ViTDetConfiguration, seed: UInt64) {
        self.configuration = configuration
        var stream = RandomStream(seed: seed, purpose: "vitdet backbone")
        let side = configuration.pretrainedSize / configuration.patchSize
        patchEmbedding = PatchEmbedding(patchSize: configuration.patchSize, width: configuration.width, &stream)
        positions = Parameter(
            Initialization.truncatedNormal(0.02).draw(
                [1, 1 + side * side, configuration.width], fanIn: 1, fanOut: 1, &stream))
        let last = Double(max(configuration.depth - 1, 1))
        blocks = (0..<configuration.depth).map { index in
            var options = BlockOptions.plain
            options.decomposedSide =
                configuration.globalBlocks.contains(index)
                ? configuration.imageSize / configuration.patchSize : configuration.window
            return TransformerBlock(
                width: configuration.width, heads: configuration.headCount, mlpRatio: configuration.mlpRatio,
                dropPath: configuration.dropPath * Double(index) / last, index: index, options: options, &stream)
        }
    }

    /// The weights of a plain ViT, its class token and final norm left behind; relative positions start at zero.
    ///
    /// - Parameters:
    ///   - imageSize: pixels a side of the pictures to come.
    ///   - window: tokens a side.
    /// - Throws: `CheckpointError` for a ViT with registers, LayerScale, other perceptrons, other biases, or without a table
    ///   of positions.
    public static func from(
        _ vit: VisionTransformer, imageSize: Int, window: Int, globalBlocks: [Int], dropPath: Double
    ) throws(CheckpointError) -> ViTDetBackbone {
        let plain = vit.configuration
        guard plain.block == .plain, plain.registerCount == 0, plain.position != .none else {
            throw CheckpointError(
                file: "backbone", expected: "a plain ViT with a table of positions, as MAE's",
                found: "a ViT with registers, LayerScale, SwiGLU, relative positions or other biases",
                remedy: "leave 'window' out, which keeps global attention")
        }
        guard globalBlocks.allSatisfy({ (0..<plain.depth).contains($0) }), window >= 1,
            imageSize % plain.patchSize == 0, imageSize > 0
        else {
            throw CheckpointError(
                file: "backbone",
                expected:
                    "global blocks in 0..<\(plain.depth), a window, a size of whole patches of \(plain.patchSize)",
                found: "blocks \(globalBlocks), window \(window), size \(imageSize)", remedy: "correct the recipe")
        }
        let result = ViTDetBackbone(
            ViTDetConfiguration(
                imageSize: imageSize, pretrainedSize: plain.imageSize, patchSize: plain.patchSize, width: plain.width,
                depth: plain.depth, headCount: plain.headCount, mlpRatio: plain.mlpRatio, window: window,
                globalBlocks: globalBlocks, dropPath: dropPath), seed: 0)
        let known = vit.state()
        for entry in result.stateEntries() {
            if let tensor = known[entry.name] { entry.tensor.assign(tensor) }
        }
        return result
    }

    public static var slots: [Slot<ViTDetBackbone>] {
        [
            .parameter("pos_embed", \.positions), .layer("patch_embed", \.patchEmbedding), .layers("blocks", \.blocks),
        ]
    }

    public var featureSpecs: [FeatureSpec] {
        [FeatureSpec(name: "last_feat", channels: configuration.width, stride: configuration.patchSize)]
    }
    public var sizeDivisor: Int { configuration.patchSize }

    public func features(of images: Variable, _ forward: Forward) -> FeatureMaps {
        var x = patchEmbedding(images, forward)
        let grid = (height: x.shape[1], width: x.shape[2])
        x = x.addingRows(positionMap(grid, forward))
        for (index, block) in blocks.enumerated() {
            let isGlobal = configuration.globalBlocks.contains(index)
            x = self.block(block, x, window: isGlobal ? nil : configuration.window, forward)
        }
        return FeatureMaps([(featureSpecs[0], x)])
    }

    /// `(H, W, C)` for a grid, resized by bicubic interpolation.
    private func positionMap(_ grid: (height: Int, width: Int), _ forward: Forward) -> Variable {
        let side = configuration.pretrainedSize / configuration.patchSize
        let table = forward(positions).reshaped([1 + side * side, configuration.width])
        return table.sliced(axis: 0, 1..<1 + side * side).reshaped([side, side, configuration.width])
            .resizedBicubic(to: grid)
    }

    /// One block on a map `(N, H, W, C)`.
    private func block(_ block: TransformerBlock, _ x: Variable, window: Int?, _ forward: Forward) -> Variable {
        let (pictures, height, width, channels) = (x.shape[0], x.shape[1], x.shape[2], x.shape[3])
        let normed = block.norm1(x, forward)
        let mixed: Variable
        if let window {
            let windows = normed.windows(of: window)
            mixed = block.attention.mixed(windows, grid: (window, window), forward)
                .joiningWindows(of: window, pictures: pictures, height: height, width: width)
        } else {
            mixed = block.attention.mixed(
                normed.reshaped([pictures, height * width, channels]), grid: (height, width), forward
            ).reshaped(x.shape)
        }
        let y = block.joined(x, block.scale1, branch: 0, forward) { block.attention.proj(mixed, residual: $0, forward) }
        return block.perceptron(y, forward)
    }
}

extension Variable {
    /// Windows `(N · windows, w², C)` of a map, row by row, filled with zeros at the right and the bottom.
    func windows(of side: Int) -> Variable {
        let (pictures, height, width, channels) = (shape[0], shape[1], shape[2], shape[3])
        let (down, across) = ((height + side - 1) / side, (width + side - 1) / side)
        var x = self
        if down * side > height {
            let zeros = Tensor.zeros([pictures, down * side - height, width, channels], value.dtype)
            x = .concatenated([x, Variable(zeros)], axis: 1)
        }
        if across * side > width {
            let zeros = Tensor.zeros([pictures, down * side, across * side - width, channels], value.dtype)
            x = .concatenated([x, Variable(zeros)], axis: 2)
        }
        return x.reshaped([pictures, down, side, across, side, channels]).permuted([0, 1, 3, 2, 4, 5])
            .reshaped([pictures * down * across, side * side, channels])
    }

    /// The map `(N, H, W, C)` that windows came from, without what filled them.
    func joiningWindows(of side: Int, pictures: Int, height: Int, width: Int) -> Variable {
        let (down, across, channels) = ((height + side - 1) / side, (width + side - 1) / side, shape[2])
        let whole = reshaped([pictures, down, across, side, side, channels]).permuted([0, 1, 3, 2, 4, 5])
            .reshaped([pictures, down * side, across * side, channels])
        let tall = down * side > height ? whole.sliced(axis: 1, 0..<height) : whole
        return across * side > width ? tall.sliced(axis: 2, 0..<width) : tall
    }
}
