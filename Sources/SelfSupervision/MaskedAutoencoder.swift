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
    private let decoder: MaskDecoder
    private let prediction: Linear

    private var patchCount: Int { decoder.patchCount }

    /// - Parameters:
    ///   - positions: the decoder's fixed positions `(1, 1 + T, decoderWidth)`.
    public init(
        encoder: Encoder, positions: Tensor, decoderWidth: Int, decoderDepth: Int, decoderHeads: Int, seed: UInt64
    ) {
        precondition(positions.rank == 3 && positions.shape[2] == decoderWidth, "decoder positions \(positions.shape)")
        var stream = RandomStream(seed: seed, purpose: "masked autoencoder")
        self.encoder = encoder
        decoder = MaskDecoder(
            encoderWidth: encoder.width, positions: positions, depth: decoderDepth, heads: decoderHeads, &stream)
        prediction = Linear(decoderWidth, encoder.patchSize * encoder.patchSize * 3, &stream)
    }

    public static var slots: [Slot<MaskedAutoencoder>] {
        [.layer("encoder", \.encoder), .inline(\.decoder), .layer("decoder_pred", \.prediction)]
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
        let drawn = prediction(
            decoder(tokens, visible: visible, forward).sliced(axis: 1, 1..<patchCount + 1)
                .reshaped([-1, decoder.width]), forward)
        let rows = hidden.enumerated().flatMap { picture, list in list.map { Int32(picture * patchCount) + $0 } }
        let targets = Self.normalizedPixels(images, patchSize: encoder.patchSize).gatheringRows(rows)
        let guesses = drawn.gatheringRows(rows)
        return [LossTerm(name: "pixels", value: guesses.meanSquaredError(targets.value))]
    }

    /// Each patch's pixels minus their mean, over their deviation: `(N·T, p·p·3)`.
    static func normalizedPixels(_ images: Variable, patchSize: Int) -> Variable {
        let wide = patchSize * patchSize * 3
        let patches = images.detached().patches(kernel: patchSize, stride: patchSize, padding: 0).reshaped([-1, wide])
        // The reference divides by the unbiased deviation: one factor for all patches.
        return patches.layerNorm(epsilon: 1e-6).scaled(by: (Double(wide - 1) / Double(wide)).squareRoot())
    }
}
