import Autograd
import DenseHeads
import DenseMetrics
import Determinism
import JSONText
import NeuralLayers
import SafeFiles
import TensorCore
import VisionBackbones

/// What a classifier consists of besides its backbone.
public struct ClassificationArchitecture: Sendable, Equatable {
    public var classCount = 1
    public var pooling = ClassificationHead.Pooling.meanPatches
    public var norm = ClassificationHead.Norm.layer
    /// The side pictures are shown at.
    public var size = 96

    public init() {}

    var json: JSONValue {
        .object([
            ("class_count", .int(Int64(classCount))), ("pooling", .string(pooling.rawValue)),
            ("norm", .string(norm.rawValue)), ("size", .int(Int64(size))),
        ])
    }

    init(_ fields: ArchitectureFields) throws(DataError) {
        classCount = try fields.int("class_count", 1...10_000_000)
        pooling = try fields.choice("pooling")
        norm = try fields.choice("norm")
        size = try fields.int("size", 8...8192)
    }
}

/// A ViT with a classifier. Checkpoint names `backbone.*`, `classifier.*`.
public final class ClassificationModel: HeadedModel {
    public static let kind = "classification"
    public let backbone: VisionTransformer
    public let architecture: ClassificationArchitecture
    private let head: ClassificationHead

    /// - Throws: `HeadConfigurationError`; `DataError` for a size that is no multiple of the patch.
    public init(backbone: VisionTransformer, architecture: ClassificationArchitecture, seed: UInt64) throws {
        guard architecture.size % backbone.patchSize == 0 else {
            throw DataError(
                .configuration, file: "classifier", record: "size",
                expected: "a multiple of the patch size \(backbone.patchSize)", found: "\(architecture.size)",
                remedy: "choose another size")
        }
        var stream = RandomStream(seed: seed, purpose: "classification head")
        head = try ClassificationHead(
            width: backbone.width, classCount: architecture.classCount, pooling: architecture.pooling,
            norm: architecture.norm, &stream)
        self.backbone = backbone
        self.architecture = architecture
    }

    public static func make(
        backbone: VisionTransformer, head: JSONValue, file: String
    ) throws -> ClassificationModel {
        let architecture = try ClassificationArchitecture(ArchitectureFields(json: head, file: file))
        return try ClassificationModel(backbone: backbone, architecture: architecture, seed: 0)
    }

    public var headArchitecture: JSONValue { architecture.json }

    public static var slots: [Slot<ClassificationModel>] {
        [.layer("backbone", \.backbone), .layer("classifier", \.head)]
    }

    public func loss(_ images: Variable, _ labels: [Int32], frozen: Bool, _ forward: Forward) -> [LossTerm] {
        head.loss(backbone.tokens(of: images, frozen ? .evaluation : forward), labels, forward)
    }

    /// The same against mixed or smoothed targets `(N, K)`.
    public func loss(_ images: Variable, targets: Tensor, frozen: Bool, _ forward: Forward) -> [LossTerm] {
        head.loss(backbone.tokens(of: images, frozen ? .evaluation : forward), targets: targets, forward)
    }

    /// The five classes of highest score of each picture, the highest first.
    public func rankings(_ images: Variable, _ forward: Forward = .evaluation) -> [[Int]] {
        let logits = head(backbone.tokens(of: images, forward), forward).value
        return TopAccuracy.rankings(scores: logits.floats(), classCount: architecture.classCount)
    }
}
