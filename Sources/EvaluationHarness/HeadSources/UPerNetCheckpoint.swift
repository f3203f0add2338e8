import CheckpointIO
import DenseHeads
import SafeFiles
import TensorCore
import VisionBackbones

/// UPerNet on a ViT as mmsegmentation, BEiT's, iBOT's and their descendants' code save it, read as a segmentation model.
///
/// The encoder is read as `CheckpointSource` reads it. Its pyramid stands in a neck (`neck.upsample_4x.*`, mmsegmentation)
/// or in the backbone (`fpn1.*`, `fpn2.*`, the others). A final norm in the backbone follows all four taps (iBOT's
/// `out_with_norm`). Taps are those of the recipes: blocks 3, 5, 7, 11 of 12, and 7, 11, 15, 23 of 24.
///
/// - Source: mmsegmentation `models/{necks/featurepyramid,decode_heads/uper_head,decode_heads/fcn_head}.py`; unilm
///   `beit/semantic_segmentation`; ibot `evaluation/semantic_segmentation`.
enum UPerNetCheckpoint {
    /// - Parameters:
    ///   - source: whose names the encoder has.
    ///   - heads: attention heads, where neither shapes nor source tell them.
    ///   - taps: blocks read, for depths without a recipe.
    /// - Throws: `DataError` for a file of another layout, listing every tensor that does not fit.
    static func load(
        _ path: String, source: CheckpointSource, heads: Int? = nil, taps: [Int]? = nil
    ) throws -> SegmentationModel {
        let file = try CheckpointFile.open(path, source: source)
        let encoder = try CheckpointFile.loadEncoder(path, source: source, heads: heads)
        let (backbone, prefix) = (encoder.model, encoder.names.prefix)
        let headName = { (key: String) in Self.headName(key, prefix, patch: backbone.patchSize) }
        let isHead = { (key: String) in headName(key) != nil }
        let shapes = HeadShapes(file) { !isHead($0) }
        var architecture = SegmentationArchitecture()
        let classes = try shapes.demand("decode_head.conv_seg.weight", rank: 4, "(classes, channels, 1, 1)")
        architecture.head = .upernet
        (architecture.classCount, architecture.channels) = (classes[0], classes[1])
        architecture.hasAuxiliary = shapes["auxiliary_head.conv_seg.weight"] != nil
        architecture.auxiliaryChannels = shapes["auxiliary_head.conv_seg.weight"]?.dropFirst().first ?? 0
        architecture.normsTaps = backbone.configuration.hasFinalNorm
        architecture.ignoreLabel = max(255, architecture.classCount)
        architecture.shortSide = backbone.configuration.imageSize
        architecture.taps = try Self.taps(taps, depth: backbone.depth, file: path)
        let model = try SegmentationModel(backbone: backbone, architecture: architecture, seed: 0)
        var tensors: [String: Tensor] = [:]
        for (key, tensor) in try file.tensors(where: isHead) { tensors[headName(key)!] = tensor }
        let encoderNames = model.stateEntries().map(\.name).filter { $0.hasPrefix("backbone.") }
        try ModelFile.load(tensors, into: model, file: path, ignoring: Set(encoderNames))
        return model
    }

    /// Our name of a part of the head or its pyramid; nil for parts of the encoder and counters of batches.
    private static func headName(_ key: String, _ prefix: String, patch: Int) -> String? {
        if key.hasSuffix("num_batches_tracked") { return nil }
        // The finest level of stride 4 is four times as fine as patches of 16, twice as fine as patches of 8.
        let pyramid =
            patch == 8
            ? [("fpn1.", "neck.upsample_2x.")] : [("fpn1.", "neck.upsample_4x."), ("fpn2.", "neck.upsample_2x.")]
        for (theirs, ours) in pyramid
        where key.hasPrefix(prefix + theirs) {
            return ours + key.dropFirst(prefix.count + theirs.count)
        }
        return ["neck.", "decode_head.", "auxiliary_head."].contains { key.hasPrefix($0) } ? key : nil
    }

    private static func taps(_ given: [Int]?, depth: Int, file: String) throws(DataError) -> [Int] {
        if let given { return given }
        switch depth {
        case 12: return [3, 5, 7, 11]
        case 24: return [7, 11, 15, 23]
        default:
            throw DataError(
                .configuration, file: file, record: "taps", expected: "12 or 24 blocks, whose taps are known",
                found: "\(depth)", remedy: "name the four blocks that the pyramid reads with --taps")
        }
    }
}
