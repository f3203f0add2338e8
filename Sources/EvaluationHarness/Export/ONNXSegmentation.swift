import DenseHeads
import NeuralLayers

/// A segmentation model's pass from pixels to logits of the pictures' size, in ONNX's operators.
struct ONNXSegmentation {
    let model: SegmentationModel
    let encoder: ONNXVisionTransformer

    typealias Level = (map: String, side: Int)

    init(_ model: SegmentationModel, size: Int) {
        self.model = model
        encoder = ONNXVisionTransformer(backbone: model.backbone, size: size, prefix: "backbone.")
    }

    /// Logits `(N, K, size, size)`, resized as they are before the largest is taken.
    func logits(_ pixels: String, in graph: inout ONNXGraph) -> String {
        let result: Level
        switch model.architecture.head {
        case .linear: result = linear(pixels, in: &graph)
        case .fcn: result = fullyConvolutional(pixels, in: &graph)
        case .upernet: result = pyramid(pixels, in: &graph)
        case .semanticFPN: result = addedPyramid(pixels, in: &graph)
        }
        return graph.resize(result.map, from: result.side, to: encoder.size)
    }

    private func linear(_ pixels: String, in graph: inout ONNXGraph) -> Level {
        let taps = model.architecture.taps
        let seen =
            taps.isEmpty
            ? [encoder.tokens(pixels, in: &graph)]
            : tapped(taps, pixels, in: &graph).map { encoder.norm($0, in: &graph) }
        var x = graph.concatenated(seen.map { encoder.map(of: $0, in: &graph) }, axis: 1)
        if model.architecture.hasBatchNorm { x = graph.batchNorm(x, "decode_head.bn.") }
        return (graph.convolution(x, "decode_head.conv_seg."), encoder.side)
    }

    private func fullyConvolutional(_ pixels: String, in graph: inout ONNXGraph) -> Level {
        var x = encoder.map(of: encoder.tokens(pixels, in: &graph), in: &graph)
        for index in 0... {
            guard graph.has("decode_head.convs.\(index).conv.weight") else { break }
            x = graph.normedConvolution(x, "decode_head.convs.\(index).")
        }
        return (graph.convolution(x, "decode_head.conv_seg."), encoder.side)
    }

    /// What blocks put out, in the order of `taps`; blocks behind the last of them are left out.
    private func tapped(_ taps: [Int], _ pixels: String, in graph: inout ONNXGraph) -> [String] {
        var (x, outputs) = (encoder.embedded(pixels, in: &graph), [Int: String]())
        for index in 0...(taps.max() ?? 0) {
            x = encoder.block(index, x, in: &graph)
            outputs[index] = x
        }
        return taps.map { outputs[$0]! }
    }

    /// UPerNet, step by step as `UPerHead` describes it.
    private func pyramid(_ pixels: String, in graph: inout ONNXGraph) -> Level {
        let inputs = rescaledTaps(pixels, in: &graph)
        let last = inputs.count - 1
        var levels = (0..<last).map { index -> Level in
            (graph.normedConvolution(inputs[index].map, "decode_head.lateral_convs.\(index)."), inputs[index].side)
        }
        levels.append(pooled(inputs[last], in: &graph))
        for index in stride(from: last, to: 0, by: -1) {
            let coarser = graph.resize(levels[index].map, from: levels[index].side, to: levels[index - 1].side)
            levels[index - 1].map = graph.add("Add", [levels[index - 1].map, coarser])
        }
        for index in 0..<last {
            levels[index].map = graph.normedConvolution(levels[index].map, "decode_head.fpn_convs.\(index).")
        }
        let parts = levels.map { graph.resize($0.map, from: $0.side, to: levels[0].side) }
        let fused = graph.normedConvolution(graph.concatenated(parts, axis: 1), "decode_head.fpn_bottleneck.")
        return (graph.convolution(fused, "decode_head.conv_seg."), levels[0].side)
    }

    /// The tapped blocks' maps at the strides of the pyramid's levels.
    func rescaledTaps(_ pixels: String, in graph: inout ONNXGraph) -> [Level] {
        let maps = tapped(model.architecture.taps, pixels, in: &graph).map { tap -> String in
            let seen = model.architecture.normsTaps ? encoder.norm(tap, in: &graph) : tap
            return encoder.map(of: seen, in: &graph)
        }
        return zip(maps, Self.strides).map { rescaled($0, stride: $1, in: &graph) }
    }

    /// Strides of the pyramid's levels, finest first.
    static let strides = [4, 8, 16, 32]

    /// One tap at a level's stride, as `MultiTapPyramid` does it.
    private func rescaled(_ map: String, stride: Int, in graph: inout ONNXGraph) -> Level {
        let patch = model.backbone.patchSize
        switch patch / stride {
        case 4:
            let grown = graph.batchNorm(graph.doubled(map, "neck.upsample_4x.0."), "neck.upsample_4x.1.")
            return (graph.doubled(graph.gelu(grown), "neck.upsample_4x.3."), 4 * encoder.side)
        case 2: return (graph.doubled(map, "neck.upsample_2x.0."), 2 * encoder.side)
        case 1: return (map, encoder.side)
        default:
            let window = stride / patch
            let shrunk = graph.add(
                "MaxPool", [map], [("kernel_shape", .ints([window, window])), ("strides", .ints([window, window]))])
            return (shrunk, encoder.side / window)
        }
    }

    private func pooled(_ level: Level, in graph: inout ONNXGraph) -> Level {
        var parts = [level.map]
        for (index, bins) in [1, 2, 3, 6].enumerated() {
            let cells = graph.normedConvolution(
                graph.averagePool(level.map, from: level.side, to: bins), "decode_head.psp_modules.\(index).1.")
            parts.append(graph.resize(cells, from: bins, to: level.side))
        }
        return (graph.normedConvolution(graph.concatenated(parts, axis: 1), "decode_head.bottleneck."), level.side)
    }
}
