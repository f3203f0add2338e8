import Autograd
import DenseData
import DenseHeads
import Determinism
import Geometry
import ImageFiles
import NeuralLayers
import SafeFiles
import VisionBackbones

/// Everything that decides how a classifier is trained, besides data and backbone.
public struct ClassificationSettings: Sendable, Equatable {
    public var architecture = ClassificationArchitecture()
    public var tuning = FineTuning()
    /// Range of a crop's share of the picture's area.
    public var scale = 0.25...1.0
    public var flipProbability = 0.5

    public init() {}

    /// Reads the keys of a recipe; the class count comes from the data set.
    public init(_ reader: RecipeReader, seed: UInt64) throws(DataError) {
        let head = try reader.map("head")
        architecture.pooling = try head.choice("pooling", default: architecture.pooling)
        architecture.norm = try head.choice("norm", default: architecture.norm)
        let views = try reader.map("views")
        architecture.size = try views.int("size", in: 8...8192, default: architecture.size)
        scale = try views.range("scale", in: 0.01...1, default: scale)
        flipProbability = try views.double("flip", in: 0...1, default: flipProbability)
        tuning = try FineTuning(reader.map("training"), seed: seed)
    }

    /// The training choices that a protocol names.
    var protocolEntries: [(String, String)] {
        tuning.protocolEntries + [
            ("head", "linear on \(architecture.pooling.rawValue), norm \(architecture.norm.rawValue)"),
            ("layers used", "last block, final norm"),
            (
                "training views",
                "random resized crop \(architecture.size), area \(scale.lowerBound)-\(scale.upperBound), "
                    + "flip \(flipProbability)"
            ),
        ]
    }
}

/// Fine-tunes a classifier. The result depends on settings, data and model alone, not on the number of threads.
public struct ClassificationTrainer {
    public let settings: ClassificationSettings

    public init(_ settings: ClassificationSettings) { self.settings = settings }

    /// A model for a data set: its classes, this recipe's head, a copy of `backbone`.
    public func model(on backbone: VisionTransformer, for dataset: ClassFolder) throws -> ClassificationModel {
        var architecture = settings.architecture
        architecture.classCount = dataset.info.classes.count
        return try ClassificationModel(
            backbone: backbone.copied(dropPath: settings.tuning.dropPath), architecture: architecture,
            seed: settings.tuning.seed)
    }

    /// Trains `model` in place.
    ///
    /// - Parameter journal: keeps the state in a run folder, and goes on from there; nil keeps nothing.
    /// - Throws: `DataError` for a sample that cannot be read, `DivergenceError`, `TrainingInterrupted`.
    @discardableResult
    public func run(
        _ model: ClassificationModel, dataset: ClassFolder, onStep: @escaping (StepReport) throws -> Void = { _ in },
        shouldStop: @escaping () -> Bool = { false }, journal: TrainingJournal? = nil
    ) throws -> TrainingHistory {
        let tuning = settings.tuning
        if tuning.freezesBackbone { model.backbone.freeze() }
        let crop = RandomResizedCrop(
            size: model.architecture.size, scale: settings.scale, mirrorProbability: settings.flipProbability)
        let plan = tuning.plan(sampleCount: dataset.count)
        let batches = BatchesAhead(
            from: journal?.firstStep ?? 0, steps: tuning.steps, items: { plan.indices(step: $0) }
        ) { step, place, index in
            var stream = RandomStream(seed: tuning.seed, purpose: "classification view", UInt64(step), UInt64(place))
            return try dataset.view(at: index, filter: .bilinearAntialiased) { crop.framing(of: $0, &stream) }
        }
        defer { batches.stop() }
        return try tuning.train(
            model, depth: model.backbone.depth, onStep: onStep, shouldStop: shouldStop, journal: journal,
            batch: { plan.indices(step: $0) }
        ) { step, forward in
            let (indices, pictures) = try batches.batch(step)
            return model.loss(
                Variable(Normalisation.imageNet.batch(pictures)), indices.map { Int32(dataset.label(at: $0)) },
                frozen: tuning.freezesBackbone, forward)
        }
    }
}
