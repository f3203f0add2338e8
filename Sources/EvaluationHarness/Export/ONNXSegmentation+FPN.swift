extension ONNXSegmentation {
    /// Semantic FPN, step by step as `FeaturePyramidNetwork` and `SemanticFPNHead` describe it.
    func addedPyramid(_ pixels: String, in graph: inout ONNXGraph) -> Level {
        let inputs = rescaledTaps(pixels, in: &graph)
        var levels = inputs.enumerated().map { index, input -> Level in
            (graph.convolution(input.map, "decode_head.fpn.lateral_convs.\(index).conv."), input.side)
        }
        for index in stride(from: levels.count - 1, to: 0, by: -1) {
            let coarser = graph.repeatedPixels(
                levels[index].map, from: levels[index].side, to: levels[index - 1].side)
            levels[index - 1].map = graph.add("Add", [levels[index - 1].map, coarser])
        }
        var sum: Level?
        for (index, level) in levels.enumerated() {
            var (map, side) = (
                graph.convolution(level.map, "decode_head.fpn.fpn_convs.\(index).conv.", padding: 1), level.side
            )
            for step in 0..<max(index, 1) {
                map = graph.normedConvolution(map, "decode_head.scale_heads.\(index).\(2 * step).")
                if index > 0 { (map, side) = (graph.resize(map, from: side, to: 2 * side), 2 * side) }
            }
            if let finest = sum {
                sum = (graph.add("Add", [finest.map, graph.resize(map, from: side, to: finest.side)]), finest.side)
            } else {
                sum = (map, side)
            }
        }
        return (graph.convolution(sum!.map, "decode_head.conv_seg."), sum!.side)
    }
}
