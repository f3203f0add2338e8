import CheckpointIO
import DenseHeads
import SafeFiles
import TensorCore
import VisionBackbones

/// detectron2's ViTDet Mask R-CNN, read as a detection model: the shapes tell the architecture, the published recipe the rest.
///
/// | read from shapes | taken from the recipe |
/// |:--|:--|
/// | patch, width, depth, heads, perceptron, windows, global blocks, picture size | anchors of 32 to 512, ratios 0.5, 1, 2 |
/// | channels, convolutions and widths of all heads, classes | regions of 224 on the level of stride 16 |
/// | | 1,000 proposals, score above 0.05, overlap 0.5, 100 detections |
///
/// - Source: detectron2 `projects/ViTDet/configs/COCO/mask_rcnn_vitdet_b_100ep.py`, `configs/common/models/mask_rcnn_vitdet.py`.
enum ViTDetCheckpoint {
    /// - Parameters:
    ///   - categoryIDs: the data set's, one a class in order; COCO's where there are 80 classes.
    /// - Throws: `DataError` for a file of another layout, listing every tensor that does not fit.
    static func load(
        _ path: String, categoryIDs: [Int64]? = nil, adjust: (inout DetectionArchitecture) -> Void = { _ in }
    ) throws -> DetectionModel {
        let file = try CheckpointFile.open(path)
        let shapes = HeadShapes(file, strangers: isStranger)
        let backbone = try backboneConfiguration(shapes)
        var architecture = try headArchitecture(shapes, size: backbone.imageSize)
        architecture.categoryIDs = try CocoCategories.ids(categoryIDs, classCount: architecture.classCount, file: path)
        adjust(&architecture)
        let model = try DetectionModel(
            backbone: DetectionBackbone(ViTDetBackbone(backbone, seed: 0)), architecture: architecture, seed: 0)
        var tensors: [String: Tensor] = [:]
        for (key, tensor) in try file.tensors(where: { !isStranger($0) }) { tensors[name(of: key)] = tensor }
        try ModelFile.load(tensors, into: model, file: path)
        return model
    }

    private static let encoder = "backbone.net."

    private static func isStranger(_ key: String) -> Bool {
        key.hasPrefix("proposal_generator.anchor_generator.") || key == "pixel_mean" || key == "pixel_std"
    }

    private static func name(of key: String) -> String {
        key.hasPrefix(encoder) ? "backbone." + key.dropFirst(encoder.count) : "detector." + key
    }

    private static func backboneConfiguration(_ shapes: HeadShapes) throws(DataError) -> ViTDetConfiguration {
        let patch = try shapes.demand(encoder + "patch_embed.proj.weight", rank: 4, "(width, 3, patch, patch)")
        let positions = try shapes.demand(encoder + "pos_embed", rank: 3, "(1, 1 + side², width)")
        let hidden = try shapes.demand(encoder + "blocks.0.mlp.fc1.weight", rank: 2, "(hidden, width)")
        let depth = try shapes.count(after: encoder + "blocks.")
        let (width, patchSize) = (patch[0], patch[3])
        var (sides, headWidth) = ([Int](), 1)
        for block in 0..<depth {
            let table = try shapes.demand(
                encoder + "blocks.\(block).attn.rel_pos_h", rank: 2, "(2 side - 1, head width)")
            sides.append((table[0] + 1) / 2)
            headWidth = max(table[1], 1)
        }
        let (window, whole) = (sides.min() ?? 1, sides.max() ?? 1)
        let side = Int(Double(max(positions[1] - 1, 0)).squareRoot().rounded())
        guard side * side == positions[1] - 1, width % headWidth == 0, side > 0, width > 0 else {
            throw shapes.refused(
                encoder + "pos_embed", "a square of positions behind the class token's, and whole heads",
                "\(positions), heads of \(headWidth) in a width of \(width)")
        }
        return ViTDetConfiguration(
            imageSize: whole * patchSize, pretrainedSize: side * patchSize, patchSize: patchSize, width: width,
            depth: depth, headCount: width / headWidth, mlpRatio: Double(hidden[0]) / Double(width), window: window,
            globalBlocks: sides.indices.filter { sides[$0] == whole }, dropPath: 0)
    }

    private static func headArchitecture(_ shapes: HeadShapes, size: Int) throws(DataError) -> DetectionArchitecture {
        let heads = "roi_heads."
        let classes = try shapes.demand(
            heads + "box_predictor.cls_score.weight", rank: 2,
            "(classes + 1, width) of one stage (a cascade's heads are not read)")
        let mask = try shapes.demand(heads + "mask_head.predictor.weight", rank: 4, "(classes, channels, 1, 1)")
        let lateral = try shapes.demand("backbone.simfp_4.0.weight", rank: 4, "(channels, width, 1, 1)")
        var result = DetectionArchitecture()
        result.rules = .detectron2
        result.size = size
        result.classCount = max(classes[0] - 1, 1)
        (result.strides, result.channels) = ([4, 8, 16, 32], lateral[0])
        (result.anchorSizes, result.canonicalSize) = ([32, 64, 128, 256, 512], 224)
        result.proposalConvolutions = shapes["proposal_generator.rpn_head.conv.conv1.weight"] == nil ? 1 : 2
        result.boxConvolutions = (1...8).count { shapes[heads + "box_head.conv\($0).weight"] != nil }
        result.boxLinearLayers = (1...4).count { shapes[heads + "box_head.fc\($0).weight"] != nil }
        result.boxWidth = classes[1]
        result.maskConvolutions = (1...8).count { shapes[heads + "mask_head.mask_fcn\($0).weight"] != nil }
        (result.maskChannels, result.maskPoolSize) = (mask[1], 14)
        result.boxNorm = shapes.norm(after: heads + "box_head.conv1")
        result.maskNorm = shapes.norm(after: heads + "mask_head.mask_fcn1")
        (result.proposals, result.proposalsPerLevel) = (1000, 1000)
        return result
    }
}
