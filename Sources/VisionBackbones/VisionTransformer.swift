import Autograd
import Determinism
import Foundation
import NeuralLayers
import TensorCore

/// A plain vision transformer with a class token.
///
/// Checkpoint names follow timm: `cls_token`, `reg_token`, `pos_embed`, `patch_embed.proj`, `blocks.i.*`, `norm`.
/// - Source: Dosovitskiy et al. 2021, arXiv:2010.11929.
public final class VisionTransformer: TokenBackbone {
    public let configuration: ViTConfiguration
    public let patchEmbedding: PatchEmbedding
    /// `(1, 1, C)`.
    public let classToken: Parameter
    /// `(1, R, C)`.
    public let registers: Parameter?
    /// `(1, 1 + T, C)`, class token first.
    public let positions: Parameter?
    public let blocks: [TransformerBlock]
    private let finalNorm: LayerNorm?

    public var width: Int { configuration.width }
    public var patchSize: Int { configuration.patchSize }
    public var depth: Int { configuration.depth }
    public var headCount: Int { configuration.headCount }

    /// - Parameter seed: of fresh weights; nil leaves zeros, for a network whose weights are read from a file.
    public init(_ configuration: ViTConfiguration, seed: UInt64?) {
        self.configuration = configuration
        var stream = seed.map { RandomStream(seed: $0, purpose: "vision transformer") } ?? .blank
        let width = configuration.width
        patchEmbedding = PatchEmbedding(patchSize: configuration.patchSize, width: width, &stream)
        classToken = Parameter(Initialization.normal(0.02).draw([1, 1, width], fanIn: 1, fanOut: 1, &stream))
        let side = configuration.imageSize / configuration.patchSize
        switch configuration.position {
        case .none: positions = nil
        case .sinCos:
            let table = Parameter(Self.sinCosTable(height: side, width: side, channels: width))
            table.isTrainable = false
            positions = table
        case .learned:
            positions = Parameter(
                Initialization.truncatedNormal(0.02).draw([1, 1 + side * side, width], fanIn: 1, fanOut: 1, &stream))
        }
        let last = Double(max(configuration.depth - 1, 1))
        blocks = (0..<configuration.depth).map { index in
            TransformerBlock(
                width: width, heads: configuration.headCount, mlpRatio: configuration.mlpRatio,
                dropPath: configuration.dropPath * Double(index) / last, index: index, options: configuration.block,
                &stream)
        }
        finalNorm = configuration.hasFinalNorm ? LayerNorm(width) : nil
        registers =
            configuration.registerCount > 0
            ? Parameter(
                Initialization.normal(1e-6).draw(
                    [1, configuration.registerCount, width], fanIn: 1, fanOut: 1, &stream)) : nil
    }

    /// The final norm, or the same values where there is none.
    public func norm(_ x: Variable, _ forward: Forward) -> Variable { finalNorm?(x, forward) ?? x }

    public static var slots: [Slot<VisionTransformer>] {
        [
            .parameter("cls_token", \.classToken), .parameter("reg_token", \.registers),
            .parameter("pos_embed", \.positions), .layer("patch_embed", \.patchEmbedding),
            .layers("blocks", \.blocks), .layer("norm", \.finalNorm),
        ]
    }

    public func tokens(of images: Variable, _ request: TokenRequest, _ forward: Forward) -> Tokens {
        let (embedded, grid) = embedded(images, request, forward)
        var x = embedded
        let fixed = 1 + configuration.registerCount
        let pictures = images.shape[0]
        var (tapped, projected) = ([Int: Variable](), [Int: Variable]())
        for (index, block) in blocks.enumerated() {
            if request.projections.contains(index) {
                x = block(x, forward) { projected[index] = withoutRegisters($0) }
            } else {
                x = index < forward.checkpointedBlocks ? forward.recomputing(x) { block($0, $1) } : block(x, forward)
            }
            if request.taps.contains(index) { tapped[index] = withoutRegisters(x) }
        }
        let final = norm(x, forward)
        return Tokens(
            classToken: final.sliced(axis: 1, 0..<1).reshaped([pictures, width]),
            patches: final.sliced(axis: 1, fixed..<x.shape[1]), taps: request.taps.map { tapped[$0]! },
            projections: request.projections.map { projected[$0]! }, grid: grid)
    }

    /// What enters the first block, `(N, 1 + R + T, C)`, and the grid of all patches.
    private func embedded(
        _ images: Variable, _ request: TokenRequest, _ forward: Forward
    ) -> (tokens: Variable, grid: (height: Int, width: Int)) {
        let pictures = images.shape[0]
        let grid = (height: images.shape[1] / patchSize, width: images.shape[2] / patchSize)
        let count = grid.height * grid.width
        precondition(
            images.shape[1] % patchSize == 0 && images.shape[2] % patchSize == 0,
            "tokens: picture \(images.shape) is no multiple of patch \(patchSize)")
        var patches = patchEmbedding(images, forward).reshaped([pictures, count, width])
        if let masked = request.masked {
            let rows = Self.flatRows(masked.patches, count)
            let tokens = masked.token.reshaped([1, width]).gatheringRows([Int32](repeating: 0, count: rows.count))
            patches = tokens.scatteringRows(rows, into: patches)
        }
        let table = positionTable(grid, forward)
        if let table { patches = patches.addingRows(table.sliced(axis: 0, 1..<count + 1)) }
        if let visible = request.visible {
            precondition(visible.count == pictures, "tokens: \(visible.count) visible lists for \(pictures) pictures")
            patches = patches.gatheringRows(Self.flatRows(visible, count)).reshaped([pictures, visible[0].count, width])
        }
        var start = forward(classToken).reshaped([1, width])
        if let table { start = start + table.sliced(axis: 0, 0..<1) }
        let fixed = 1 + configuration.registerCount
        if let registers {
            start = .concatenated([start, forward(registers).reshaped([configuration.registerCount, width])], axis: 0)
        }
        let rows = (0..<pictures).flatMap { _ in (0..<fixed).map(Int32.init) }
        let starts = start.gatheringRows(rows).reshaped([pictures, fixed, width])
        return (.concatenated([starts, patches], axis: 1), grid)
    }

    /// What one token takes from each patch in a block, `(N, heads, T)`.
    ///
    /// - Parameters:
    ///   - images: `(N, H, W, 3)`, normalised.
    ///   - block: from 0.
    ///   - patch: whose attention; the class token's unless given.
    public func attention(of images: Variable, block: Int, patch: Int? = nil) -> Tensor {
        precondition(blocks.indices.contains(block), "attention of block \(block) of \(blocks.count)")
        let forward = Forward.evaluation
        var x = embedded(images, TokenRequest(), forward).tokens
        for earlier in blocks[..<block] { x = earlier(x, forward) }
        let fixed = 1 + configuration.registerCount
        let weights = Variable(
            blocks[block].attention.weights(ofToken: patch.map { fixed + $0 } ?? 0, blocks[block].norm1(x, forward)))
        return weights.sliced(axis: 2, fixed..<weights.shape[2]).value
    }

    /// Class token and patches.
    private func withoutRegisters(_ x: Variable) -> Variable {
        if registers == nil { return x }
        let fixed = 1 + configuration.registerCount
        return .concatenated([x.sliced(axis: 1, 0..<1), x.sliced(axis: 1, fixed..<x.shape[1])], axis: 1)
    }

    private static func flatRows(_ lists: [[Int32]], _ count: Int) -> [Int32] {
        lists.enumerated().flatMap { picture, list in list.map { Int32(picture * count) + $0 } }
    }

    /// The table of positions `(1, 1 + T, C)` for pictures of another size, as `tokens` uses it; nil without positions.
    public func positions(forSize size: Int) -> Tensor? {
        let side = size / patchSize
        return positionTable((side, side), .evaluation).map { $0.value.reshaped([1, 1 + side * side, width]) }
    }

    /// Positions `(1 + T, C)` for a grid: recomputed (sines) or resized by bicubic interpolation (trained table).
    private func positionTable(_ grid: (height: Int, width: Int), _ forward: Forward) -> Variable? {
        guard let positions else { return nil }
        let table = forward(positions).reshaped([positions.shape[1], width])
        let side = configuration.imageSize / patchSize
        if grid.height == side && grid.width == side { return table }
        if configuration.position == .sinCos {
            let sines = Self.sinCosTable(height: grid.height, width: grid.width, channels: width)
            return Variable(sines.reshaped([1 + grid.height * grid.width, width]).converted(to: table.value.dtype))
        }
        let map = table.sliced(axis: 0, 1..<1 + side * side).reshaped([side, side, width])
        let resized = map.resizedBicubic(
            to: grid, offset: configuration.positionResize == .bicubicOffset ? 0.1 : 0
        ).reshaped([grid.height * grid.width, width])
        return .concatenated([table.sliced(axis: 0, 0..<1), resized], axis: 0)
    }

    /// `(1, 1 + H·W, C)`: zeros for the class token; the first half of the channels codes the column, the second the
    /// row, each as sines then cosines of `position / 10000^(i / (C/4))`.
    ///
    /// - Source: the position embedding of the MAE reference code (He et al. 2021, arXiv:2111.06377).
    public static func sinCosTable(height: Int, width: Int, channels: Int) -> Tensor {
        precondition(channels % 4 == 0, "sines and cosines for \(channels) channels: a multiple of 4 is needed")
        let quarter = channels / 4
        var values = [Float](repeating: 0, count: (1 + height * width) * channels)
        for y in 0..<height {
            for x in 0..<width {
                let base = (1 + y * width + x) * channels
                for i in 0..<quarter {
                    let omega = 1 / pow(10000, Double(i) / Double(quarter))
                    for (half, position) in [(0, x), (1, y)] {
                        let angle = Double(position) * omega
                        values[base + half * 2 * quarter + i] = Float(sin(angle))
                        values[base + half * 2 * quarter + quarter + i] = Float(cos(angle))
                    }
                }
            }
        }
        return Tensor(values, [1, 1 + height * width, channels])
    }
}

/// The patch projection. Checkpoint name `proj`, weight `(C, 3, p, p)`.
public final class PatchEmbedding: Layer {
    public let projection: Conv2d

    public init(patchSize: Int, width: Int, _ stream: inout RandomStream) {
        projection = Conv2d(
            3, width, kernel: patchSize, stride: patchSize, initialization: .xavierUniform, &stream)
    }

    public static var slots: [Slot<PatchEmbedding>] { [.layer("proj", \.projection)] }

    public func callAsFunction(_ images: Variable, _ forward: Forward) -> Variable { projection(images, forward) }
}
