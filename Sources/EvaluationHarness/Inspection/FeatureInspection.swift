import Autograd
import CheckpointIO
import DenseData
import Geometry
import ImageFiles
import JSONText
import NeuralLayers
import SafeFiles
import TensorCore
import VisionBackbones

/// Writes the tokens that a checkpoint's encoder computes for a folder of pictures.
public struct FeatureInspection: Sendable {
    public typealias Source = CheckpointSource

    public enum Precision: String, Sendable, CaseIterable {
        case f32
        /// Operands of linear layers rounded to bfloat16, sums in f32.
        case bf16
    }

    public var checkpoint: String
    public var source: Source
    /// A folder of JPEG and PNG files; folders in it are looked into.
    public var images: String
    /// Pixels a side that the encoder sees.
    public var size: Int
    public var out: String
    public var precision = Precision.f32
    /// Nil: the source's rule.
    public var heads: Int?
    public var batchSize = 8

    public init(checkpoint: String, source: Source, images: String, size: Int = 224, out: String) {
        self.checkpoint = checkpoint
        self.source = source
        self.images = images
        self.size = size
        self.out = out
    }

    public struct Outcome: Sendable, Equatable {
        public var out: String
        /// In the order of the pictures' names.
        public var tensorNames: [String]
        /// `1 + H·W`, and the width.
        public var shape: [Int]
        public var metadata: [String: String]

        public var json: JSONValue {
            .object([
                ("schema_version", .int(1)), ("out", .string(out)),
                ("tensors", .array(tensorNames.map { .string($0) })),
                ("shape", .array(shape.map { .int(Int64($0)) })),
                ("metadata", .object(metadata.sorted { $0.key < $1.key }.map { ($0.key, .string($0.value)) })),
            ])
        }
    }

    /// Loads, computes and writes `<name without ending>.tokens`, `(1 + H·W, D)` f32 each: the tokens after the final
    /// norm, class token first, then patches row by row.
    ///
    /// Pictures of `size` x `size` enter as they are; others are resized by their short side and cut to the middle
    /// square. All tokens are held in memory until they are written.
    /// - Throws: `DataError` for the checkpoint, the pictures, two pictures of one stem, a size that the patch does not
    ///   divide, and the output.
    public func run(_ session: CommandSession) throws -> Outcome {
        let pictures = try PictureFolder(
            name: "images", split: "all", root: images, allowsLinks: true, store: PictureStore(budget: 0))
        let stems = try stems(pictures)
        let encoder = try CheckpointFile.loadEncoder(checkpoint, source: source, heads: heads)
        let model = encoder.model
        try model.demand(side: size)
        let progress = session.progress("features", total: pictures.count, unit: "picture")
        var tensors: [String: Tensor] = [:]
        var resizedCount = 0
        let forward = Forward(mode: .evaluation, bf16: precision == .bf16)
        for start in stride(from: 0, to: pictures.count, by: batchSize) {
            let range = start..<min(start + batchSize, pictures.count)
            var batch: [Picture] = []
            for index in range {
                let picture = try pictures.sample(at: index).picture
                if picture.height != size || picture.width != size { resizedCount += 1 }
                batch.append(Self.fitted(picture, size))
            }
            let tokens = model.tokens(of: Variable(Normalisation.imageNet.batch(batch)), forward)
            for (row, index) in range.enumerated() {
                tensors[stems[index] + ".tokens"] = Self.joined(tokens, row)
            }
            progress.advance(by: range.count)
        }
        progress.finish()
        let metadata = try description(encoder, resizedCount)
        try Safetensors.write(tensors, metadata: metadata, to: out)
        let side = size / model.patchSize
        return Outcome(
            out: out, tensorNames: stems.map { $0 + ".tokens" }, shape: [1 + side * side, model.width],
            metadata: metadata)
    }

    private func stems(_ pictures: PictureFolder) throws(DataError) -> [String] {
        var seen: [String: String] = [:]
        var stems: [String] = []
        for index in 0..<pictures.count {
            let name = pictures.name(at: index)
            let stem = String(name[..<(name.lastIndex(of: ".") ?? name.endIndex)])
            if let other = seen.updateValue(name, forKey: stem) {
                throw DataError(
                    .malformed, file: images, record: name, expected: "one picture a name without its ending",
                    found: "\(other) beside it", remedy: "rename one of the two")
            }
            stems.append(stem)
        }
        return stems
    }

    static func fitted(_ picture: Picture, _ size: Int) -> Picture {
        if picture.height == size && picture.width == size { return picture }
        let whole = ImageSize(height: picture.height, width: picture.width)
        return Framing(of: whole, shortSide: size, centreCrop: size).picture(picture, filter: .bicubicAntialiased)
    }

    private static func joined(_ tokens: Tokens, _ row: Int) -> Tensor {
        let (count, width) = (tokens.patches.shape[1], tokens.patches.shape[2])
        let result = Tensor(uninitialized: [1 + count, width], .f32)
        result.rows(0..<1).assign(tokens.classToken.value.rows(row..<row + 1))
        result.rows(1..<1 + count).assign(tokens.patches.value.rows(row..<row + 1))
        return result
    }

    private func description(_ encoder: PublishedEncoder, _ resizedCount: Int) throws(DataError) -> [String:
        String]
    {
        let shape = encoder.model.configuration
        return [
            "dmt.tool": "dmt \(BuildInfo.version)", "dmt.checkpoint.sha256": try CheckpointFile.hash(checkpoint),
            "dmt.source": source.rawValue, "dmt.prefix": encoder.names.prefix,
            "dmt.architecture": ViTVariants.matching(shape)?.name ?? "vit", "dmt.heads": "\(shape.headCount)",
            "dmt.size": "\(size)", "dmt.precision": precision.rawValue,
            "dmt.tokens": "after the final norm; class token first, then patches row by row",
            "dmt.normalisation": "rgb/255, mean 0.485 0.456 0.406, deviation 0.229 0.224 0.225",
            "dmt.picture_resize": resizedCount == 0
                ? "none" : "\(resizedCount) pictures: short side, bicubic-antialiased, then the middle square",
            "dmt.position_resize": encoder.model.positionResizeWords(side: size) ?? "none",
        ]
    }
}
