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

/// Fine-tunes a segmentation model. The result depends on settings, data and model alone, not on the number of threads.
public struct SegmentationTrainer: Sendable {
    public let settings: SegmentationSettings

    public init(_ settings: SegmentationSettings) { self.settings = settings }

    /// A model for a data set: its classes, this recipe's head, a copy of `backbone`.
    public func model(
        on backbone: VisionTransformer, for dataset: SegmentationFolder
    ) throws -> SegmentationModel {
        try model(
            on: backbone, classCount: dataset.info.classes.count, ignoreLabel: Int(dataset.info.ignoreLabel ?? 255))
    }

    func model(on backbone: VisionTransformer, classCount: Int, ignoreLabel: Int = 255) throws -> SegmentationModel {
        var architecture = settings.architecture
        architecture.classCount = classCount
        architecture.ignoreLabel = ignoreLabel
        return try SegmentationModel(
            backbone: backbone.copied(dropPath: settings.tuning.dropPath), architecture: architecture,
            seed: settings.tuning.seed)
    }

    /// Trains `model` in place.
    ///
    /// - Parameter observer: what watches, saves and stops the training, and the ranks that share each batch.
    /// - Throws: `DataError` for a sample that cannot be read, `DivergenceError`, `TrainingInterrupted`.
    @discardableResult
    public func run(
        _ model: SegmentationModel, dataset: SegmentationFolder,
        _ observer: TrainingObserver<SegmentationModel> = TrainingObserver()
    ) throws -> TrainingHistory {
        try check(model, dataset)
        let tuning = settings.tuning
        if tuning.freezesBackbone { model.backbone.freeze() }
        let plan = tuning.plan(sampleCount: dataset.count)
        let batch = plan.indices(step: 0).count
        let parts = tuning.parts(of: batch)
        let share = try BatchPlaces(batch: batch, parts: parts, observer.group)
        let batches = BatchesAhead(
            from: observer.journal?.firstStep ?? 0, steps: tuning.steps, places: share.places,
            items: { plan.indices(step: $0) }
        ) { step, place, index in
            try view(dataset, index, step: step, place: place)
        }
        defer { batches.stop() }
        let batchParts = BatchParts(batches, share)
        return try tuning.train(
            model, depth: model.backbone.depth, observer, batch: { plan.indices(step: $0) }, parts: parts
        ) { step, part, forward in
            let (images, targets) = Self.batch(try batchParts.part(part, of: step).views)
            return model.loss(
                Variable(images), targets, auxiliaryWeight: settings.auxiliaryWeight, frozen: tuning.freezesBackbone,
                forward)
        }
    }

    private func check(_ model: SegmentationModel, _ dataset: SegmentationFolder) throws(DataError) {
        let (info, architecture) = (dataset.info, model.architecture)
        guard info.classes.count == architecture.classCount, info.ignoreLabel.map(Int.init) == architecture.ignoreLabel
        else {
            throw DataError(
                .configuration, file: info.name,
                expected: "the model's \(architecture.classCount) classes and ignore label \(architecture.ignoreLabel)",
                found: "\(info.classes.count) and \(info.ignoreLabel.map { "\($0)" } ?? "none")",
                remedy: "build the model for this data set")
        }
        guard settings.cropSize % model.backbone.patchSize == 0 else {
            throw DataError(
                .configuration, file: "recipe", record: "views.crop",
                expected: "a multiple of the patch size \(model.backbone.patchSize)", found: "\(settings.cropSize)",
                remedy: "choose another crop")
        }
        guard settings.cropSize >= model.leastSide else {
            throw DataError(
                .configuration, file: "recipe", record: "views.crop",
                expected: "at least \(model.leastSide) pixels, the coarsest stride of the head's pyramid",
                found: "\(settings.cropSize)", remedy: "choose a larger crop, or a head without a pyramid")
        }
    }

    /// One training view.
    struct View: Sendable {
        var picture: Picture
        /// Height and width of what is not padding.
        var content: (height: Int, width: Int)
        var target: SemanticLabels
    }

    /// The view of a sample at a place of a step's batch.
    func view(_ dataset: SegmentationFolder, _ index: Int, step: Int, place: Int) throws(DataError) -> View {
        let side = settings.cropSize
        let ignore = dataset.info.ignoreLabel ?? 255
        let jitter = ScaleJitterCrop(
            shortSide: settings.shortSide, factor: settings.scale, crop: ImageSize(height: side, width: side),
            maxClassShare: settings.maxClassShare, mirrorProbability: settings.flipProbability)
        var stream = RandomStream(
            seed: settings.tuning.seed, purpose: "segmentation view", UInt64(step), UInt64(place))
        let sample = try dataset.sample(at: index)
        let framing = jitter.framing(of: sample.labels, ignoreLabel: ignore, &stream)
        var picture = framing.picture(sample.picture, filter: .bilinearAntialiased)
        if settings.distortsColours { PhotometricDistortion().apply(to: &picture, &stream) }
        let labels = framing.labels(sample.labels, fill: ignore)
        return View(
            picture: picture, content: (height: framing.crop.height, width: framing.crop.width),
            target: SemanticLabels(
                size: ImageSize(height: side, width: side), labels: labels.values.map(Int32.init)))
    }

    /// A batch: `(N, crop, crop, 3)` and the labels of the same crops.
    static func batch(_ views: [View]) -> (images: Tensor, targets: [SemanticLabels]) {
        let images = Normalisation.imageNet.batch(views.map(\.picture), contents: views.map(\.content))
        return (images, views.map(\.target))
    }
}
