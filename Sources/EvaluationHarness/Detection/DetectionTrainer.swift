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

/// Fine-tunes a detection model. The result depends on settings, data and model alone, not on the number of threads.
public struct DetectionTrainer: Sendable {
    public let settings: DetectionSettings

    public init(_ settings: DetectionSettings) { self.settings = settings }

    /// A model for a data set: its classes and category ids, this recipe's head, a copy of `backbone`.
    public func model(
        on backbone: VisionTransformer, for dataset: DetectionDataset
    ) throws -> DetectionModel {
        try model(on: backbone, categoryIDs: dataset.categoryIDs)
    }

    /// - Parameter categoryIDs: one a class.
    func model(on backbone: VisionTransformer, categoryIDs: [Int64]) throws -> DetectionModel {
        var architecture = settings.architecture
        architecture.classCount = categoryIDs.count
        architecture.categoryIDs = categoryIDs
        let model = try DetectionModel(
            backbone: try DetectionBackbone(
                copying: backbone, windows: settings.windows, imageSize: architecture.size,
                dropPath: settings.tuning.dropPath), architecture: architecture,
            sampledAnchors: settings.sampledAnchors, sampledRegions: settings.sampledRegions,
            trainingProposals: settings.trainingProposals, seed: settings.tuning.seed)
        if let file = settings.torchvisionWeights { try TorchvisionHeads.load(file, into: model.detector) }
        return model
    }

    /// Trains `model` in place.
    ///
    /// - Parameter observer: what watches, saves and stops the training, and the ranks that share each batch.
    /// - Throws: `DataError` for a sample that cannot be read, `DivergenceError`, `TrainingInterrupted`.
    @discardableResult
    public func run(
        _ model: DetectionModel, dataset: DetectionDataset,
        _ observer: TrainingObserver<DetectionModel> = TrainingObserver()
    ) throws -> TrainingHistory {
        try DetectionInference.check(model, dataset)
        try check(model.architecture, observer.group)
        let tuning = settings.tuning
        if tuning.freezesBackbone { model.backbone.freeze() }
        let plan = tuning.plan(sampleCount: dataset.count)
        let size = model.architecture.size
        let batch = plan.indices(step: 0).count
        let parts = tuning.parts(of: batch)
        let share = try BatchPlaces(batch: batch, parts: parts, observer.group)
        let batches = BatchesAhead(
            from: observer.journal?.firstStep ?? 0, steps: tuning.steps, places: share.places,
            items: { plan.indices(step: $0) }
        ) { step, place, index in
            try view(dataset, index, size: size, step: step, place: place)
        }
        defer { batches.stop() }
        let batchParts = BatchParts(batches, share)
        return try tuning.train(
            model, depth: model.backbone.depth, observer, batch: { plan.indices(step: $0) }, parts: parts
        ) { step, part, forward in
            let (images, targets) = Self.batch(try batchParts.part(part, of: step).views)
            return model.loss(Variable(images), targets, frozen: tuning.freezesBackbone, forward)
        }
    }

    /// - Throws: `.configuration` for batch norms over regions on several ranks, which have different numbers of them.
    private func check(_ architecture: DetectionArchitecture, _ group: any Communicator) throws(DataError) {
        guard group.size > 1, architecture.boxNorm == .batch || architecture.maskNorm == .batch else { return }
        throw DataError(
            .configuration, file: "recipe", record: "head.box_norm and head.mask_norm",
            expected: "layer or none on \(group.size) ranks", found: "batch",
            remedy: "choose another norm, or train in one process")
    }

    /// One training view.
    struct View: Sendable {
        var picture: Picture
        var target: DetectionTarget
    }

    /// The view of a sample at a place of a step's batch.
    func view(_ dataset: DetectionDataset, _ index: Int, size: Int, step: Int, place: Int) throws(DataError) -> View {
        var stream = RandomStream(seed: settings.tuning.seed, purpose: "detection view", UInt64(step), UInt64(place))
        let sample = try dataset.sample(at: index)
        let source = ImageSize(height: sample.picture.height, width: sample.picture.width)
        let framing = settings.views.framing(of: source, &stream)
        var instances: [DetectionTarget.Instance] = []
        for object in sample.objects {
            guard let framed = try framing.object(object, of: source, in: dataset.annotationFile) else { continue }
            instances.append(Self.instance(framed))
        }
        let content = ImageSize(height: framing.crop.height, width: framing.crop.width)
        return View(
            picture: framing.picture(sample.picture, filter: .bilinearAntialiased),
            target: DetectionTarget(size: content, instances: instances))
    }

    /// A batch: `(N, S, S, 3)` and the objects of the same views; a target's size is the part that is not padding.
    static func batch(_ views: [View]) -> (images: Tensor, targets: [DetectionTarget]) {
        let images = Normalisation.imageNet.batch(
            views.map(\.picture), contents: views.map { ($0.target.size.height, $0.target.size.width) })
        return (images, views.map(\.target))
    }

    /// An object without outline is learned as the whole of its box.
    private static func instance(_ object: FramedObject) -> DetectionTarget.Instance {
        let box = object.box
        let mask: InstanceMask
        if !object.polygons.isEmpty {
            mask = .polygons(object.polygons)
        } else if let runs = object.mask {
            mask = .runs(runs)
        } else {
            mask = .polygons([Polygon([box.x0, box.y0, box.x1, box.y0, box.x1, box.y1, box.x0, box.y1])])
        }
        return DetectionTarget.Instance(box: box, label: object.label, mask: mask, isCrowd: object.isCrowd)
    }
}
