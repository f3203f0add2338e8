import Autograd
import Determinism
import NeuralLayers
import TensorCore

/// A masked autoencoder: the encoder sees a quarter of the patches, a small decoder draws the rest.
///
/// Checkpoint names follow the reference code: the encoder's own, then `decoder_embed`, `mask_token`, `decoder_blocks`,
/// `decoder_norm`, `decoder_pred`.
/// - Source: He et al. 2021, arXiv:2111.06377, §3; the loss on normalised pixels of masked patches is its table 1d.
public final class MaskedAutoencoder<Encoder: TokenBackbone>: Layer {
    public let encoder: Encoder
    let decoderEmbedding: Linear
    let maskToken: Parameter
    let decoderPositions: Parameter
    let decoderBlocks: [TransformerBlock]
    let decoderNorm: LayerNorm
    let prediction: Linear
    private let patchCount: Int
    private let decoderWidth: Int

    /// - Parameters:
    ///   - positions: the decoder's fixed positions `(1, 1 + T, decoderWidth)`.
    public init(
        encoder: Encoder, positions: Tensor, decoderWidth: Int, decoderDepth: Int, decoderHeads: Int, seed: UInt64
    ) {
        precondition(positions.rank == 3 && positions.shape[2] == decoderWidth, "decoder positions \(positions.shape)")
        var stream = RandomStream(seed: seed, purpose: "masked autoencoder")
        self.encoder = encoder
        self.decoderWidth = decoderWidth
        patchCount = positions.shape[1] - 1
        decoderEmbedding = Linear(encoder.width, decoderWidth, &stream)
        maskToken = Parameter(Initialization.normal(0.02).draw([1, 1, decoderWidth], fanIn: 1, fanOut: 1, &stream))
        decoderPositions = Parameter(positions)
        decoderPositions.isTrainable = false
        decoderBlocks = (0..<decoderDepth).map {
            TransformerBlock(width: decoderWidth, heads: decoderHeads, index: 1000 + $0, &stream)
        }
        decoderNorm = LayerNorm(decoderWidth)
        prediction = Linear(decoderWidth, encoder.patchSize * encoder.patchSize * 3, &stream)
    }

    public static var slots: [Slot<MaskedAutoencoder>] {
        [
            .layer("encoder", \.encoder), .layer("decoder_embed", \.decoderEmbedding),
            .parameter("mask_token", \.maskToken), .parameter("decoder_pos_embed", \.decoderPositions),
            .layers("decoder_blocks", \.decoderBlocks), .layer("decoder_norm", \.decoderNorm),
            .layer("decoder_pred", \.prediction),
        ]
    }

    /// The reconstruction loss of a batch: mean squared error of normalised pixels over masked patches.
    ///
    /// - Parameters:
    ///   - images: `(N, H, W, 3)`, normalised, of the size the decoder's positions are for.
    ///   - maskRatio: the share of patches hidden from the encoder.
    public func loss(images: Variable, maskRatio: Double = 0.75, _ forward: Forward) -> [LossTerm] {
        let pictures = images.shape[0]
        let shown = patchCount - Int(Double(patchCount) * maskRatio)
        var (visible, hidden) = ([[Int32]](), [[Int32]]())
        for picture in 0..<pictures {
            var stream = RandomStream(seed: forward.seed, purpose: "mae mask", UInt64(picture))
            let order = stream.permutation(patchCount).map(Int32.init)
            visible.append(Array(order[..<shown]))
            hidden.append(Array(order[shown...]))
        }
        let tokens = encoder.tokens(of: images, TokenRequest(visible: visible), forward)
        let drawn = decode(tokens, visible: visible, forward)
        let rows = hidden.enumerated().flatMap { picture, list in list.map { Int32(picture * patchCount) + $0 } }
        let targets = Self.normalizedPixels(images, patchSize: encoder.patchSize).gatheringRows(rows)
        let guesses = drawn.gatheringRows(rows)
        return [LossTerm(name: "pixels", value: guesses.meanSquaredError(targets.value))]
    }

    /// `(N·T, p·p·3)` predictions for all patches.
    private func decode(_ tokens: Tokens, visible: [[Int32]], _ forward: Forward) -> Variable {
        let pictures = tokens.classToken.shape[0]
        let embedded = decoderEmbedding(tokens.patches.reshaped([-1, encoder.width]), forward)
        let mask = forward(maskToken).reshaped([1, decoderWidth])
        let blank = mask.gatheringRows([Int32](repeating: 0, count: pictures * patchCount))
        let rows = visible.enumerated().flatMap { picture, list in list.map { Int32(picture * patchCount) + $0 } }
        let patches = embedded.scatteringRows(rows, into: blank).reshaped([pictures, patchCount, decoderWidth])
        let start = decoderEmbedding(tokens.classToken, forward).reshaped([pictures, 1, decoderWidth])
        var x = Variable.concatenated([start, patches], axis: 1)
            .addingRows(forward(decoderPositions).reshaped([patchCount + 1, decoderWidth]))
        for block in decoderBlocks { x = block(x, forward) }
        let patchTokens = decoderNorm(x, forward).sliced(axis: 1, 1..<patchCount + 1)
        return prediction(patchTokens.reshaped([-1, decoderWidth]), forward)
    }

    /// Each patch's pixels minus their mean, over their deviation: `(N·T, p·p·3)`.
    static func normalizedPixels(_ images: Variable, patchSize: Int) -> Variable {
        let wide = patchSize * patchSize * 3
        let patches = images.detached().patches(kernel: patchSize, stride: patchSize, padding: 0).reshaped([-1, wide])
        // The reference divides by the unbiased deviation: one factor for all patches.
        return patches.layerNorm(epsilon: 1e-6).scaled(by: (Double(wide - 1) / Double(wide)).squareRoot())
    }
}
