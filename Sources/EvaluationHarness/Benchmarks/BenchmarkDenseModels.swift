import Autograd
import DenseHeads
import Determinism
import Geometry
import NeuralLayers
import TensorCore
import VisionBackbones

/// The detector of a shipped recipe on a fresh ViT, with fixed pictures and random objects of 80 classes.
struct BenchmarkDetection {
    static let classCount = 80
    static let objectsPerPicture = 10
    let model: DetectionModel
    private let images: Tensor
    private let targets: [DetectionTarget]

    /// - Parameters:
    ///   - images: `(N, S, S, 3)`.
    ///   - overrides: of the recipe.
    init(_ configuration: ViTConfiguration, images: Tensor, overrides: [String], seed: UInt64) throws {
        let side = images.shape[1]
        let reader = try RecipeLibrary.shipped().load("detect-coco-640", overrides: overrides).reader()
        let settings = try DetectionSettings(reader, seed: seed)
        var architecture = settings.architecture
        architecture.size = side
        architecture.classCount = Self.classCount
        architecture.categoryIDs = (1...Int64(Self.classCount)).map { $0 }
        // Fresh weights are sure of nothing: every class of every region is a candidate, as many as are kept.
        architecture.scoreThreshold = 0
        model = try DetectionModel(
            backbone: DetectionBackbone(VisionTransformer(configuration, seed: seed)), architecture: architecture,
            sampledAnchors: settings.sampledAnchors, sampledRegions: settings.sampledRegions,
            trainingProposals: settings.trainingProposals, seed: seed)
        var stream = RandomStream(seed: seed, purpose: "benchmark objects")
        targets = (0..<images.shape[0]).map { _ in Self.target(side: side, &stream) }
        self.images = images
    }

    private static func target(side: Int, _ stream: inout RandomStream) -> DetectionTarget {
        let limit = Double(side)
        let instances = (0..<objectsPerPicture).map { _ in
            let (width, height) = (stream.uniform(limit / 20...limit / 2), stream.uniform(limit / 20...limit / 2))
            let (x, y) = (stream.uniform(0...limit - width), stream.uniform(0...limit - height))
            let outline = Polygon([
                x + width / 2, y, x + width, y + height / 2, x + width / 2, y + height, x, y + height / 2,
            ])
            return DetectionTarget.Instance(
                box: Box(x0: x, y0: y, x1: x + width, y1: y + height), label: stream.int(below: classCount),
                mask: .polygons([outline]))
        }
        return DetectionTarget(size: ImageSize(height: side, width: side), instances: instances)
    }

    func loss(_ forward: Forward) -> Variable {
        LossTerm.total(model.loss(Variable(images), targets, frozen: false, forward))
    }

    func predict(_ forward: Forward) {
        _ = model.predict(Variable(images), frames: targets.map { PictureFrame($0.size) }, forward)
    }
}

/// The UPerNet of a shipped recipe on a fresh ViT, with fixed pictures and random labels of 150 classes.
struct BenchmarkSegmentation {
    static let classCount = 150
    let model: SegmentationModel
    private let images: Tensor
    private let targets: [SemanticLabels]
    private let auxiliaryWeight: Double

    /// - Parameters:
    ///   - images: `(N, S, S, 3)`.
    ///   - overrides: of the recipe.
    init(_ configuration: ViTConfiguration, images: Tensor, overrides: [String], seed: UInt64) throws {
        let reader = try RecipeLibrary.shipped().load("segment-ade20k-512", overrides: overrides).reader()
        let settings = try SegmentationSettings(reader, seed: seed)
        var architecture = settings.architecture
        architecture.classCount = Self.classCount
        model = try SegmentationModel(
            backbone: VisionTransformer(configuration, seed: seed), architecture: architecture, seed: seed)
        var stream = RandomStream(seed: seed, purpose: "benchmark labels")
        let size = ImageSize(height: images.shape[1], width: images.shape[2])
        targets = (0..<images.shape[0]).map { _ in
            SemanticLabels(
                size: size, labels: (0..<size.pixelCount).map { _ in Int32(stream.int(below: Self.classCount)) })
        }
        auxiliaryWeight = settings.auxiliaryWeight
        self.images = images
    }

    func loss(_ forward: Forward) -> Variable {
        LossTerm.total(
            model.loss(Variable(images), targets, auxiliaryWeight: auxiliaryWeight, frozen: false, forward))
    }

    func predict(_ forward: Forward) {
        _ = model.predict(Variable(images), frames: targets.map { PictureFrame($0.size) }, forward)
    }
}
