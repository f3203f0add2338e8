import CheckpointIO
import NeuralLayers
import SafeFiles
import TensorCore
import VisionBackbones

/// A checkpoint's network as a graph, and what its file says about it.
struct ONNXNetwork {
    /// "vit", "segmentation" or "classification".
    let kind: String
    /// Pixels a side of the pictures.
    let size: Int
    let graph: ONNXGraph
    let metadata: [(key: String, value: String)]

    /// - Parameters: as `ONNXExport` has them.
    init(_ input: String, size wanted: Int?, source: CheckpointSource?, heads: Int?) throws {
        var entries: [String: String] = [:]
        if let source {
            let backbone = try CheckpointFile.loadEncoder(input, source: source, heads: heads).model
            entries["dmt.source"] = source.rawValue
            (kind, size, graph) = try Self.encoder(backbone, input, wanted)
        } else {
            guard heads == nil else {
                throw DataError(
                    .configuration, file: "options", expected: "--source beside --heads", found: "none",
                    remedy: "name the code base that wrote the checkpoint")
            }
            entries = try Self.declaredMetadata(input)
            let declared = try ModelFile.architecture(entries, file: input)["kind"]?.string
            switch declared {
            case "vit": (kind, size, graph) = try Self.encoder(try ModelFile.loadBackbone(input), input, wanted)
            case SegmentationModel.kind:
                (kind, size, graph) = try Self.segmentation(try SegmentationModel.load(input).model, input, wanted)
            case ClassificationModel.kind:
                (kind, size, graph) = try Self.classification(try ClassificationModel.load(input).model, input, wanted)
            default:
                throw DataError(
                    .malformed, file: input,
                    expected: "a model of kind vit, \(SegmentationModel.kind) or \(ClassificationModel.kind)",
                    found: declared ?? "another architecture",
                    remedy: "export one of these; detection models have no ONNX form here")
            }
        }
        entries["dmt.normalisation"] =
            "rgb/255, mean 0.485 0.456 0.406, deviation 0.229 0.224 0.225; channels first"
        entries["dmt.size"] = "\(size)"
        entries["dmt.checkpoint.sha256"] = try CheckpointFile.hash(input)
        metadata = entries.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }

    /// The metadata of a safetensors file, which every model of this program is.
    private static func declaredMetadata(_ input: String) throws(DataError) -> [String: String] {
        try CheckpointFile.demandOwnFormat(input)
        let opened = try CheckpointFile.open(input)
        return (opened as? SafetensorsFile)?.header.metadata ?? [:]
    }

    // MARK: Kinds

    private typealias Parts = (kind: String, size: Int, graph: ONNXGraph)

    private static func encoder(_ backbone: VisionTransformer, _ file: String, _ wanted: Int?) throws(DataError)
        -> Parts
    {
        let size = try checked(wanted ?? backbone.configuration.imageSize, backbone, file)
        var graph = fresh("vit", of: backbone, size)
        let encoder = ONNXVisionTransformer(backbone: backbone, size: size, prefix: "")
        let tokens = encoder.tokens("pixels", in: &graph)
        let names = [
            encoder.classToken(of: tokens, in: &graph, as: "class_token"),
            encoder.patches(of: tokens, in: &graph, as: "patches"),
        ]
        graph.outputs = [
            ONNXGraph.Port(name: names[0], shape: [nil, backbone.width]),
            ONNXGraph.Port(name: names[1], shape: [nil, encoder.side * encoder.side, backbone.width]),
        ]
        return ("vit", size, graph)
    }

    private static func segmentation(_ model: SegmentationModel, _ file: String, _ wanted: Int?) throws(DataError)
        -> Parts
    {
        let (own, patch) = (model.architecture.shortSide, model.backbone.patchSize)
        let unasked = own > 0 ? (own + patch - 1) / patch * patch : model.backbone.configuration.imageSize
        let size = try checked(wanted ?? unasked, model.backbone, file)
        let coarsest = ONNXSegmentation.strides.max() ?? 1
        guard !model.architecture.head.hasPyramid || size >= coarsest else {
            throw refusal(file, "pictures of at least \(coarsest) pixels, one of the pyramid's coarsest level", size)
        }
        var graph = fresh(SegmentationModel.kind, of: model, size)
        let logits = ONNXSegmentation(model, size: size).logits("pixels", in: &graph)
        let name = graph.add("Identity", [logits], as: "logits")
        graph.outputs = [ONNXGraph.Port(name: name, shape: [nil, model.architecture.classCount, size, size])]
        return (SegmentationModel.kind, size, graph)
    }

    private static func classification(
        _ model: ClassificationModel, _ file: String, _ wanted: Int?
    ) throws(DataError) -> Parts {
        let size = try checked(wanted ?? model.architecture.size, model.backbone, file)
        var graph = fresh(ClassificationModel.kind, of: model, size)
        let encoder = ONNXVisionTransformer(backbone: model.backbone, size: size, prefix: "backbone.")
        let tokens = encoder.tokens("pixels", in: &graph)
        let logits = ONNXClassification(model, encoder: encoder).logits(tokens, in: &graph)
        graph.outputs = [ONNXGraph.Port(name: logits, shape: [nil, model.architecture.classCount])]
        return (ClassificationModel.kind, size, graph)
    }

    // MARK: Parts

    /// A graph with its input; the model's tensors are shared, not copied.
    private static func fresh(_ kind: String, of model: some Layer, _ size: Int) -> ONNXGraph {
        var state: [String: Tensor] = [:]
        for entry in model.stateEntries() { state[entry.name] = entry.tensor }
        var graph = ONNXGraph(name: kind, state: state)
        graph.inputs = [ONNXGraph.Port(name: "pixels", shape: [nil, 3, size, size])]
        return graph
    }

    private static func checked(_ size: Int, _ backbone: VisionTransformer, _ file: String) throws(DataError) -> Int {
        let patch = backbone.patchSize
        guard size >= patch, size <= 8192, size % patch == 0 else {
            throw refusal(file, "a size up to 8192 that is a multiple of the patch size \(patch)", size)
        }
        if let side = backbone.configuration.block.relativeBiasSide, size != side * patch {
            throw refusal(file, "\(side * patch), the size its relative positions are for", size)
        }
        return size
    }

    private static func refusal(_ file: String, _ expected: String, _ size: Int) -> DataError {
        DataError(
            .configuration, file: file, record: "size", expected: expected, found: "\(size)",
            remedy: "choose another --size")
    }
}
