import CheckpointIO
import JSONText
import NeuralLayers
import SafeFiles
import TensorCore
import VisionBackbones

/// Heads that are read with their backbone.
public enum PublishedHead: String, Sendable, CaseIterable {
    /// mmsegmentation's UPerNet, in its layout or that of BEiT, iBOT and their descendants.
    case upernet
    /// detectron2's ViTDet Mask R-CNN.
    case vitdet
}

/// `dmt model convert`: a checkpoint from outside becomes a backbone's or a model's own file, or a file's tensors change
/// their type.
public struct ModelConversion: Sendable {
    public var storage = ModelFile.StoredType.f32
    /// Whose checkpoint it is; nil keeps tensors, names and metadata as they are.
    public var source: CheckpointSource?
    /// Attention heads, where the source's rule does not tell them.
    public var heads: Int?
    /// Pixels a side that positions are resized for, once and for all; nil keeps the table.
    public var imageSize: Int?

    /// Reads the head with its backbone; nil reads the encoder alone.
    public var head: PublishedHead?
    /// The blocks that UPerNet's pyramid reads, for depths without a recipe.
    public var taps: [Int]?
    /// A COCO file whose categories a detector's classes are, in the order of their ids; COCO's 80 when absent.
    public var categories: String?

    public init() {}

    /// - Throws: `.cannotWrite` when the output exists; what reading and writing throw.
    public func run(_ input: String, to output: String) throws {
        try Self.requireAbsent(output)
        if let head { return try convert(input, head, to: output) }
        guard let source else {
            guard imageSize == nil, heads == nil else {
                throw DataError(
                    .configuration, file: "options", expected: "--source beside --size and --heads", found: "none",
                    remedy: "name the code base that wrote the checkpoint")
            }
            try restore(input, to: output)
            return
        }
        var backbone = try CheckpointFile.loadEncoder(input, source: source, heads: heads).model
        var metadata = try Self.origin(of: input, source: source.rawValue)
        if let imageSize, imageSize != backbone.configuration.imageSize {
            metadata["dmt.positions"] =
                "resized from \(backbone.configuration.imageSize) to \(imageSize), "
                + backbone.configuration.positionResize.rawValue
            backbone = try resized(backbone, to: imageSize)
        }
        try ModelFile.save(backbone, to: output, metadata: metadata, dtype: storage)
    }

    private static func origin(of input: String, source: String) throws(DataError) -> [String: String] {
        [
            "dmt.source": source, "dmt.converted_from": Folder.name(of: input),
            "dmt.converted_from.sha256": try CheckpointFile.hash(input),
        ]
    }

    /// A whole model becomes a file that `dmt eval` takes.
    private func convert(_ input: String, _ head: PublishedHead, to output: String) throws {
        func demand(_ holds: Bool, _ expected: String) throws(DataError) {
            if !holds {
                throw DataError(
                    .configuration, file: "options", record: "head", expected: expected, found: "other options",
                    remedy: "leave the others out")
            }
        }
        try demand(imageSize == nil && storage == .f32, "--head without --size and --storage")
        switch head {
        case .upernet:
            guard let source else {
                throw DataError(
                    .configuration, file: "options", record: "source", expected: "--source beside --head upernet",
                    found: "none", remedy: "name the code base whose names the encoder has: mmseg, beit, ibot")
            }
            try demand(categories == nil, "--head upernet without --categories")
            let model = try UPerNetCheckpoint.load(input, source: source, heads: heads, taps: taps)
            try model.save(to: output, metadata: Self.origin(of: input, source: source.rawValue + " upernet"))
        case .vitdet:
            try demand(
                source == nil && heads == nil && taps == nil, "--head vitdet without --source, --heads and --taps")
            let ids = try categories.map { try CocoCategories.ids(inFile: $0) }
            let model = try ViTDetCheckpoint.load(input, categoryIDs: ids)
            try model.save(to: output, metadata: Self.origin(of: input, source: "detectron2 vitdet"))
        }
    }

    /// No output is ever overwritten.
    static func requireAbsent(_ output: String) throws(DataError) {
        guard !FileBytes.exists(output) else {
            throw DataError(
                .cannotWrite, file: output, expected: "a file that does not exist yet", found: "a file",
                remedy: "choose another name, or remove it")
        }
    }

    /// The same network with positions for another picture size.
    private func resized(_ backbone: VisionTransformer, to size: Int) throws(DataError) -> VisionTransformer {
        var configuration = backbone.configuration
        guard configuration.position == .learned, size % configuration.patchSize == 0, size > 0 else {
            throw DataError(
                .configuration, file: "options", record: "size",
                expected: "a multiple of the patch size \(configuration.patchSize), and a table of positions",
                found: "\(size), positions \(configuration.position.rawValue)", remedy: "leave --size out")
        }
        configuration.imageSize = size
        let copy = VisionTransformer(configuration, seed: 0)
        for (mine, theirs) in zip(copy.stateEntries(), backbone.stateEntries()) {
            mine.tensor.assign(mine.name == "pos_embed" ? backbone.positions(forSize: size)! : theirs.tensor)
        }
        return copy
    }

    private func restore(_ input: String, to output: String) throws(DataError) {
        try CheckpointFile.demandOwnFormat(input)
        let contents = try Safetensors.load(input)
        let converted = contents.tensors.mapValues { tensor in
            switch (tensor.dtype, storage) {
            case (.f32, .bf16): tensor.converted(to: .bf16)
            case (.bf16, .f32): tensor.converted(to: .f32)
            default: tensor
            }
        }
        try Safetensors.write(converted, metadata: contents.metadata, to: output)
    }
}
