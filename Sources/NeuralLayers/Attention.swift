import Autograd
import Determinism
import TensorCore

/// Multi-head self-attention. Checkpoint names `qkv`, `proj`; `q_bias`, `v_bias`; `relative_position_bias_table`;
/// `rel_pos_h`, `rel_pos_w`.
public final class Attention: Layer {
    public let qkv: Linear
    public let proj: Linear
    public let headCount: Int
    private let queryBias: Parameter?
    private let valueBias: Parameter?
    /// `((2S − 1)² + 3, heads)`.
    private let biasTable: Parameter?
    /// `(2S − 1, C / heads)` each.
    private let rowTable: Parameter?
    private let columnTable: Parameter?
    private let biasIndices: [Int32]

    public init(width: Int, heads: Int, options: BlockOptions = .plain, _ stream: inout RandomStream) {
        precondition(width % heads == 0, "attention: width \(width) for \(heads) heads")
        headCount = heads
        qkv = Linear(
            width, 3 * width, bias: options.projectionBias == .full, initialization: .xavierUniform, &stream)
        proj = Linear(width, width, initialization: .xavierUniform, &stream)
        let separate = options.projectionBias == .queryAndValue
        queryBias = separate ? Parameter(.zeros([width])) : nil
        valueBias = separate ? Parameter(.zeros([width])) : nil
        biasTable = options.relativeBiasSide.map { Parameter(.zeros([(2 * $0 - 1) * (2 * $0 - 1) + 3, heads])) }
        biasIndices = options.relativeBiasSide.map(Self.biasIndices) ?? []
        rowTable = options.decomposedSide.map { Parameter(.zeros([2 * $0 - 1, width / heads])) }
        columnTable = options.decomposedSide.map { Parameter(.zeros([2 * $0 - 1, width / heads])) }
    }

    public static var slots: [Slot<Attention>] {
        [
            .parameter("q_bias", \.queryBias), .parameter("v_bias", \.valueBias),
            .parameter("relative_position_bias_table", \.biasTable), .parameter("rel_pos_h", \.rowTable),
            .parameter("rel_pos_w", \.columnTable), .layer("qkv", \.qkv), .layer("proj", \.proj),
        ]
    }

    /// Attention's output before `proj`.
    ///
    /// - Parameters:
    ///   - x: `(N, T, C)`, normed.
    ///   - grid: of the tokens where they are one, for decomposed positions.
    ///   - onProjection: gets queries, keys and values, `(N, T, 3C)`.
    public func mixed(
        _ x: Variable, grid: (height: Int, width: Int)? = nil, _ forward: Forward,
        onProjection: (Variable) -> Void = { _ in }
    ) -> Variable {
        let isBiased = biasTable != nil || rowTable != nil
        let packed = projected(x, half: !isBiased, forward)
        onProjection(packed)
        if let biasTable {
            let tokens = x.shape[1]
            precondition(
                tokens * tokens == biasIndices.count,
                "relative positions of \(biasIndices.count) pairs for \(tokens) tokens: another picture size")
            let bias = forward(biasTable).gatheringRows(biasIndices).permuted([1, 0])
            return packed.attention(heads: headCount, bias: bias.reshaped([headCount, tokens, tokens]))
        }
        if let rowTable, let columnTable, let grid {
            let bias = packed.decomposedPositionBias(
                heads: headCount, rows: Self.pairs(forward(rowTable), side: grid.height),
                columns: Self.pairs(forward(columnTable), side: grid.width))
            return packed.attention(heads: headCount, bias: bias)
        }
        return packed.attention(heads: headCount)
    }

    /// How much one token takes from each, `(N, heads, T)`: its row of the softmax. Biases of positions of a table are
    /// included.
    ///
    /// - Parameters:
    ///   - query: the token's place.
    ///   - x: `(N, T, C)`, normed.
    public func weights(ofToken query: Int, _ x: Variable) -> Tensor {
        let packed = projected(x, half: false, .evaluation).value.converted(to: .f32)
        let (pictures, tokens, width) = (x.shape[0], x.shape[1], x.shape[2])
        precondition((0..<tokens).contains(query), "attention of token \(query) of \(tokens)")
        let dim = width / headCount
        let bias = biasTable.map {
            Variable($0.value).gatheringRows(Array(biasIndices[query * tokens..<(query + 1) * tokens])).value.floats()
        }
        let result = Tensor(uninitialized: [pictures, headCount, tokens])
        let values = packed.f32()
        for picture in 0..<pictures {
            for head in 0..<headCount {
                let base = picture * tokens * 3 * width + head * dim
                let asked = base + query * 3 * width
                var scores = (0..<tokens).map { token in
                    let product = (0..<dim).reduce(Float(0)) {
                        $0 + values[asked + $1] * values[base + token * 3 * width + width + $1]
                    }
                    return product / Float(dim).squareRoot() + (bias?[token * headCount + head] ?? 0)
                }
                let row = Tensor(scores, [1, tokens])
                scores = Variable(row).softmax().value.floats()
                let place = result.f32() + (picture * headCount + head) * tokens
                for token in 0..<tokens { place[token] = scores[token] }
            }
        }
        keepAlive(packed.storage)
        return result
    }

    /// - Parameter half: a bfloat16 result where products are rounded.
    private func projected(_ x: Variable, half: Bool, _ forward: Forward) -> Variable {
        guard let queryBias, let valueBias else { return qkv(x, half: half, forward) }
        let none = Variable(Tensor.zeros(queryBias.shape, queryBias.value.dtype))
        let bias = Variable.concatenated([forward(queryBias), none, forward(valueBias)], axis: 0)
        return x.linear(forward(qkv.weight), bias, bf16: forward.bf16, half: half && forward.bf16)
    }

    /// For each pair of tokens, class token first, its row of the table: `(dy + S − 1)(2S − 1) + dx + S − 1` between
    /// patches, then one row each for class to patch, patch to class and class to itself.
    ///
    /// - Source: BEiT's `gen_relative_position_index`.
    public static func biasIndices(side: Int) -> [Int32] {
        let (span, patches) = (2 * side - 1, side * side)
        let last = span * span + 2
        var indices = [Int32(last)] + [Int32](repeating: Int32(last - 2), count: patches)
        for query in 0..<patches {
            indices.append(Int32(last - 1))
            for key in 0..<patches {
                let (dy, dx) = (query / side - key / side + side - 1, query % side - key % side + side - 1)
                indices.append(Int32(dy * span + dx))
            }
        }
        return indices
    }

    /// `(S, S, d)` of a table `(L, d)`: the vector of distance `i − j` for each pair. A table of another length is
    /// first resized linearly.
    ///
    /// - Source: detectron2's `get_rel_pos`.
    static func pairs(_ table: Variable, side: Int) -> Variable {
        let (length, dim) = (table.shape[0], table.shape[1])
        let fitted =
            length == 2 * side - 1
            ? table
            : table.reshaped([1, length, 1, dim]).resizedBilinear(to: (2 * side - 1, 1)).reshaped([2 * side - 1, dim])
        let indices = (0..<side).flatMap { i in (0..<side).map { Int32(i - $0 + side - 1) } }
        return fitted.gatheringRows(indices).reshaped([side, side, dim])
    }
}
