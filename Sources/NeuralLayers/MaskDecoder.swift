import Autograd
import Determinism
import TensorCore

/// A small transformer that fills in what an encoder did not see: visible tokens at their places, a learned token
/// everywhere else.
///
/// Checkpoint names `decoder_embed`, `mask_token`, `decoder_pos_embed`, `decoder_blocks`, `decoder_norm`.
/// - Source: He et al. 2021, arXiv:2111.06377, §3.
public final class MaskDecoder: Layer {
    let embedding: Linear
    let maskToken: Parameter
    let positions: Parameter
    let blocks: [TransformerBlock]
    let norm: LayerNorm
    private let encoderWidth: Int

    public var width: Int { positions.shape[2] }
    /// Patches of the whole picture.
    public var patchCount: Int { positions.shape[1] - 1 }

    /// - Parameters:
    ///   - positions: fixed positions `(1, 1 + T, width)`, class token first.
    public init(encoderWidth: Int, positions: Tensor, depth: Int, heads: Int, _ stream: inout RandomStream) {
        precondition(positions.rank == 3 && positions.shape[0] == 1, "decoder positions \(positions.shape)")
        let width = positions.shape[2]
        self.encoderWidth = encoderWidth
        embedding = Linear(encoderWidth, width, &stream)
        maskToken = Parameter(Initialization.normal(0.02).draw([1, 1, width], fanIn: 1, fanOut: 1, &stream))
        self.positions = Parameter(positions)
        self.positions.isTrainable = false
        blocks = (0..<depth).map { TransformerBlock(width: width, heads: heads, index: 1000 + $0, &stream) }
        norm = LayerNorm(width)
    }

    public static var slots: [Slot<MaskDecoder>] {
        [
            .layer("decoder_embed", \.embedding), .parameter("mask_token", \.maskToken),
            .parameter("decoder_pos_embed", \.positions), .layers("decoder_blocks", \.blocks),
            .layer("decoder_norm", \.norm),
        ]
    }

    /// The tokens of all patches, `(N, 1 + T, width)`, class token first, after the decoder's norm.
    ///
    /// - Parameters:
    ///   - tokens: of the visible patches.
    ///   - visible: per picture which patches those are.
    public func callAsFunction(_ tokens: Tokens, visible: [[Int32]], _ forward: Forward) -> Variable {
        let (pictures, width, patchCount) = (tokens.classToken.shape[0], width, patchCount)
        let embedded = embedding(tokens.patches.reshaped([-1, encoderWidth]), forward)
        let mask = forward(maskToken).reshaped([1, width])
        let blank = mask.gatheringRows([Int32](repeating: 0, count: pictures * patchCount))
        let rows = visible.enumerated().flatMap { picture, list in list.map { Int32(picture * patchCount) + $0 } }
        let patches = embedded.scatteringRows(rows, into: blank).reshaped([pictures, patchCount, width])
        let start = embedding(tokens.classToken, forward).reshaped([pictures, 1, width])
        var x = Variable.concatenated([start, patches], axis: 1)
            .addingRows(forward(positions).reshaped([patchCount + 1, width]))
        for block in blocks { x = block(x, forward) }
        return norm(x, forward)
    }
}
