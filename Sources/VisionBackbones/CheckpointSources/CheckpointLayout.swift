/// Where a code base keeps its encoder in a checkpoint, and what it calls the parts.
///
/// All of them name most parts as timm does; they differ in what stands before and beside the encoder.
struct CheckpointLayout: Sendable {
    /// Keys that may lead to the weights in a PyTorch file, in the order tried; the top is tried last.
    var keyPaths: [[String]]
    /// What may stand before the encoder's names, in the order tried: exported encoders have no prefix, and what this
    /// package pretrains and distils has prefixes of its own (`encoder.`, `student.`).
    var prefixes: [String]
    /// Starts of names, after the prefix, that are no part of the encoder: heads, decoders, mask tokens.
    var strangers: [String]
    /// How a table of positions comes to another grid.
    var positionResize = PositionResize.bicubic
    /// Attention heads of an encoder of that width; nil where there is no rule.
    var headCount: @Sendable (_ width: Int) -> Int? = oneHeadEach64
    /// This source's name of the patch projection, which every ViT has.
    var projection = ViTShape.projection
    /// Our name of a part that this source calls otherwise; nil for what is computed and not learned.
    var rename: @Sendable (String) -> String? = { $0 }

    /// One head for every 64 channels; nil where that is no whole number.
    @Sendable static func oneHeadEach64(width: Int) -> Int? {
        width > 0 && width % 64 == 0 ? width / 64 : nil
    }

    /// `blocks.i.gamma_1` is LayerScale's factor on attention, `gamma_2` that on the perceptron; indices of relative
    /// positions are computed.
    @Sendable static func beitName(_ name: String) -> String? {
        if name.hasSuffix(".relative_position_index") { return nil }
        if name.hasSuffix(".gamma_1") { return name.dropLast("gamma_1".count) + "ls1.gamma" }
        if name.hasSuffix(".gamma_2") { return name.dropLast("gamma_2".count) + "ls2.gamma" }
        return name
    }
}
