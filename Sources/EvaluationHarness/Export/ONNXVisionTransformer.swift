import NeuralLayers
import TensorCore
import VisionBackbones

/// A ViT's passes in ONNX's operators, for pictures of one size.
///
/// Tokens are `(N, 1 + R + T, C)` as in the model: class token, registers, patches row by row.
struct ONNXVisionTransformer {
    let backbone: VisionTransformer
    /// Pixels a side of the pictures.
    let size: Int
    /// What stands before the backbone's checkpoint names: nothing, or `backbone.`.
    let prefix: String

    private var configuration: ViTConfiguration { backbone.configuration }
    private var width: Int { configuration.width }
    /// Patches a side.
    var side: Int { size / configuration.patchSize }
    /// Class token and registers.
    private var fixedCount: Int { 1 + configuration.registerCount }
    private var tokenCount: Int { fixedCount + side * side }

    /// What enters the first block, of pixels `(N, 3, size, size)`.
    func embedded(_ pixels: String, in graph: inout ONNXGraph) -> String {
        let map = graph.convolution(pixels, prefix + "patch_embed.proj.", stride: configuration.patchSize)
        var patches = graph.transpose(graph.reshape(map, [-1, width, side * side]), [0, 2, 1])
        var start = graph.parameter(prefix + "cls_token")
        if let table = positions(in: &graph) {
            start = graph.add("Add", [start, graph.slice(table, axis: 1, 0..<1)])
            patches = graph.add("Add", [patches, graph.slice(table, axis: 1, 1..<1 + side * side)])
        }
        if configuration.registerCount > 0 {
            start = graph.concatenated([start, graph.parameter(prefix + "reg_token")], axis: 1)
        }
        let pictures = graph.add("Shape", [pixels], [("start", .int(0)), ("end", .int(1))])
        let shape = graph.concatenated([pictures, graph.integers([fixedCount, width])], axis: 0)
        return graph.concatenated([graph.add("Expand", [start, shape]), patches], axis: 1)
    }

    /// The table `(1, 1 + T, C)` for the pictures' size: the model's own, or made once and stored beside its name.
    private func positions(in graph: inout ONNXGraph) -> String? {
        if size == configuration.imageSize, configuration.position != .none {
            return graph.parameter(prefix + "pos_embed")
        }
        return backbone.positions(forSize: size).map {
            graph.constant(.tensor($0), name: "\(prefix)pos_embed.\(size)")
        }
    }

    /// One pre-norm block.
    func block(_ index: Int, _ x: String, in graph: inout ONNXGraph) -> String {
        let name = "\(prefix)blocks.\(index)."
        let mixed = graph.linear(
            attention(graph.layerNorm(x, name + "norm1."), name + "attn.", in: &graph), name + "attn.proj.")
        let y = graph.add("Add", [x, scaled(mixed, name + "ls1.gamma", in: &graph)])
        let normed = graph.layerNorm(y, name + "norm2.")
        let output: String
        switch configuration.block.perceptron {
        case .gelu:
            output = graph.linear(graph.gelu(graph.linear(normed, name + "mlp.fc1.")), name + "mlp.fc2.")
        case .swiGLU:
            let both = graph.linear(normed, name + "mlp.w12.")
            let hidden = graph.shape(of: name + "mlp.w3.weight")[1]
            let gate = graph.silu(graph.slice(both, axis: 2, 0..<hidden))
            let gated = graph.add("Mul", [gate, graph.slice(both, axis: 2, hidden..<2 * hidden)])
            output = graph.linear(gated, name + "mlp.w3.")
        }
        return graph.add("Add", [y, scaled(output, name + "ls2.gamma", in: &graph)])
    }

    private func scaled(_ x: String, _ factors: String, in graph: inout ONNXGraph) -> String {
        graph.has(factors) ? graph.add("Mul", [x, graph.parameter(factors)]) : x
    }

    /// `softmax(q kᵀ / √d + bias) v`, heads side by side, before the projection.
    private func attention(_ x: String, _ name: String, in graph: inout ONNXGraph) -> String {
        let (heads, dim) = (configuration.headCount, width / configuration.headCount)
        var bias: String?
        if graph.has(name + "q_bias") {
            let none = graph.constant(.tensor(.zeros([width])), name: "zeros.\(width)")
            bias = graph.concatenated(
                [graph.parameter(name + "q_bias"), none, graph.parameter(name + "v_bias")], axis: 0)
        }
        let packed = graph.reshape(
            graph.linear(x, name + "qkv.", bias: bias), [-1, tokenCount, 3, heads, dim])
        let split = graph.transpose(packed, [2, 0, 3, 1, 4])
        let parts = (0..<3).map { part in
            let index = graph.constant(.integers([part], shape: []), name: "integer.\(part)")
            return graph.add("Gather", [split, index], [("axis", .int(0))])
        }
        let scale = graph.scalar(1 / Float(dim).squareRoot())
        var scores = graph.add(
            "MatMul", [graph.add("Mul", [parts[0], scale]), graph.transpose(parts[1], [0, 1, 3, 2])])
        if let positionBias = positionBias(name, in: &graph) { scores = graph.add("Add", [scores, positionBias]) }
        let weights = graph.add("Softmax", [scores], [("axis", .int(-1))])
        let mixed = graph.transpose(graph.add("MatMul", [weights, parts[2]]), [0, 2, 1, 3])
        return graph.reshape(mixed, [-1, tokenCount, width])
    }

    /// BEiT's bias of each pair of tokens, `(heads, tokens, tokens)`.
    private func positionBias(_ name: String, in graph: inout ONNXGraph) -> String? {
        guard let biasSide = configuration.block.relativeBiasSide else { return nil }
        let pairs = Attention.biasIndices(side: biasSide).map(Int.init)
        let rows = graph.constant(
            .integers(pairs, shape: [tokenCount, tokenCount]), name: "\(prefix)relative_position_index")
        let table = graph.parameter(name + "relative_position_bias_table")
        return graph.transpose(graph.add("Gather", [table, rows], [("axis", .int(0))]), [2, 0, 1])
    }

    /// The final norm, or the same values where there is none.
    func norm(_ x: String, in graph: inout ONNXGraph) -> String {
        configuration.hasFinalNorm ? graph.layerNorm(x, prefix + "norm.") : x
    }

    /// All blocks and the final norm.
    func tokens(_ pixels: String, in graph: inout ONNXGraph) -> String {
        var x = embedded(pixels, in: &graph)
        for index in 0..<configuration.depth { x = block(index, x, in: &graph) }
        return norm(x, in: &graph)
    }

    /// `(N, C)`
    func classToken(of tokens: String, in graph: inout ONNXGraph, as output: String? = nil) -> String {
        graph.reshape(graph.slice(tokens, axis: 1, 0..<1), [-1, width], as: output)
    }

    /// `(N, T, C)`
    func patches(of tokens: String, in graph: inout ONNXGraph, as output: String? = nil) -> String {
        graph.slice(tokens, axis: 1, fixedCount..<tokenCount, as: output)
    }

    /// The patches as a map `(N, C, side, side)`.
    func map(of tokens: String, in graph: inout ONNXGraph) -> String {
        graph.reshape(graph.transpose(patches(of: tokens, in: &graph), [0, 2, 1]), [-1, width, side, side])
    }
}
