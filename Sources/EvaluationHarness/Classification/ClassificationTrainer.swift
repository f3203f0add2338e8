import Autograd
import Communication
import DenseData
import DenseHeads
import Determinism
import Geometry
import ImageFiles
import NeuralLayers
import SafeFiles
import TensorCore
import VisionBackbones

/// Everything that decides how a classifier is trained, besides data and backbone.
public struct ClassificationSettings: Sendable, Equatable {
    public var architecture = ClassificationArchitecture()
    public var tuning = FineTuning()
    /// Range of a crop's share of the picture's area.
    public var scale = 0.25...1.0
    public var flipProbability = 0.5
    public var randAugment: RandAugment?
    public var erasing = RandomErasing(probability: 0)
    public var mixing = BatchMixing()

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
        if let map = try views.optionalMap("rand_augment") {
            randAugment = RandAugment(
                magnitude: try map.double("magnitude", in: 0...10, default: 9),
                deviation: try map.double("deviation", in: 0...10, default: 0.5))
        }
        erasing.probability = try views.double("erasing", in: 0...1, default: 0)
        mixing.mixup = try views.double("mixup", in: 0...100, default: 0)
        mixing.cutmix = try views.double("cutmix", in: 0...100, default: 0)
        mixing.smoothing = try views.double("smoothing", in: 0...0.99, default: 0)
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
        ] + regularisers.map { ("training pictures", $0) }
    }
}

extension ClassificationSettings {
    /// What is done to pictures and labels beside crops, where anything is.
    private var regularisers: [String] {
        var parts: [String] = []
        if let randAugment { parts.append("RandAugment \(randAugment.magnitude)±\(randAugment.deviation)") }
        if erasing.probability > 0 { parts.append("erasing \(erasing.probability)") }
        if mixing.mixup > 0 { parts.append("mixup \(mixing.mixup)") }
        if mixing.cutmix > 0 { parts.append("cutmix \(mixing.cutmix)") }
        if mixing.smoothing > 0 { parts.append("label smoothing \(mixing.smoothing)") }
        return parts.isEmpty ? [] : [parts.joined(separator: ", ")]
    }
}

/// Fine-tunes a classifier. The result depends on settings, data and model alone, not on the number of threads.
public struct ClassificationTrainer {
    public let settings: ClassificationSettings

    public init(_ settings: ClassificationSettings) { self.settings = settings }

    /// A model for a data set: its classes, this recipe's head, a copy of `backbone`.
    ///
    /// - Throws: `.malformed` for a data set of one class.
    public func model(
        on backbone: VisionTransformer, for dataset: any ClassificationLoader
    ) throws -> ClassificationModel {
        try ClassificationInference.demandSeveralClasses(dataset.info)
        return try model(on: backbone, classCount: dataset.info.classes.count)
    }

    func model(on backbone: VisionTransformer, classCount: Int) throws -> ClassificationModel {
        var architecture = settings.architecture
        architecture.classCount = classCount
        return try ClassificationModel(
            backbone: backbone.copied(dropPath: settings.tuning.dropPath), architecture: architecture,
            seed: settings.tuning.seed)
    }

    /// Trains `model` in place.
    ///
    /// - Parameter observer: what watches, saves and stops the training, and the ranks that share each batch.
    /// - Throws: `DataError` for a sample that cannot be read, `DivergenceError`, `TrainingInterrupted`.
    @discardableResult
    public func run(
        _ model: ClassificationModel, dataset: any ClassificationLoader,
        _ observer: TrainingObserver<ClassificationModel> = TrainingObserver()
    ) throws -> TrainingHistory {
        let tuning = settings.tuning
        if tuning.freezesBackbone { model.backbone.freeze() }
        let crop = RandomResizedCrop(
            size: model.architecture.size, scale: settings.scale, mirrorProbability: settings.flipProbability)
        let plan = tuning.plan(sampleCount: dataset.count)
        let augment = settings.randAugment
        let batch = plan.indices(step: 0).count
        let parts = tuning.parts(of: batch)
        let share = try BatchPlaces(batch: batch, parts: parts, observer.group)
        // Mixing joins pictures from both ends of a part: every rank makes all of it and then takes its share.
        let made = settings.mixing.isPlain ? share : try BatchPlaces(batch: batch, parts: parts, SingleProcess())
        let batches = BatchesAhead(
            from: observer.journal?.firstStep ?? 0, steps: tuning.steps, places: made.places,
            items: { plan.indices(step: $0) }
        ) { step, place, index in
            var stream = RandomStream(seed: tuning.seed, purpose: "classification view", UInt64(step), UInt64(place))
            var view = try dataset.view(at: index, filter: .bilinearAntialiased) { crop.framing(of: $0, &stream) }
            augment?.apply(to: &view, &stream)
            return view
        }
        defer { batches.stop() }
        let batchParts = BatchParts(batches, made)
        return try tuning.train(
            model, depth: model.backbone.depth, observer, batch: { plan.indices(step: $0) }, parts: parts
        ) { step, part, forward in
            let (indices, pictures, places) = try batchParts.part(part, of: step)
            let (images, labels) = (
                Normalisation.imageNet.batch(pictures), indices.map { Int32(dataset.label(at: $0)) }
            )
            erase(images, step, from: places.lowerBound)
            if settings.mixing.isPlain {
                return model.loss(Variable(images), labels, frozen: tuning.freezesBackbone, forward)
            }
            // Pictures of one part are mixed with each other, each part by a draw of its own.
            var stream =
                part == 0
                ? RandomStream(seed: tuning.seed, purpose: "mixing", UInt64(step))
                : RandomStream(seed: tuning.seed, purpose: "mixing", UInt64(step), UInt64(part))
            let targets = settings.mixing(
                images, labels: labels, classCount: model.architecture.classCount, &stream)
            let rows = observer.group.share(of: pictures.count)
            return model.loss(
                Variable(images.rows(rows)), targets: targets.rows(rows), frozen: tuning.freezesBackbone, forward)
        }
    }

    /// Noise in a rectangle of some pictures, each by its place in the step's batch.
    ///
    /// - Parameter first: the place of the first of the pictures.
    private func erase(_ images: Tensor, _ step: Int, from first: Int) {
        guard settings.erasing.probability > 0 else { return }
        let (height, width, values) = (images.shape[1], images.shape[2], images.f32())
        let (erasing, seed) = (settings.erasing, settings.tuning.seed)
        Parallel.forEach(images.shape[0]) { place in
            var stream = RandomStream(seed: seed, purpose: "erasing", UInt64(step), UInt64(first + place))
            erasing.apply(to: values + place * height * width * 3, height: height, width: width, &stream)
        }
        keepAlive(images.storage)
    }
}
