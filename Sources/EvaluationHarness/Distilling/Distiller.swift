import Autograd
import Communication
import DenseData
import Determinism
import Distillation
import Geometry
import ImageFiles
import JSONText
import NeuralLayers
import TensorCore
import VisionBackbones

/// What a distillation leaves behind.
public struct DistillationResult {
    /// What counts: after the last step, or the moving average over the steps where the recipe asks for one.
    public var student: VisionTransformer
    /// After the last step.
    public var last: VisionTransformer
    public var history: TrainingHistory
    /// What the meter says at the end.
    public var speed: JSONValue
    /// Mean cosine and gate weight a teacher and token type over the last tenth of the steps.
    public var diagnostics: [(teacher: String, tokenType: String, cosine: Double, gate: Double)]
}

/// Trains a student to agree with frozen teachers.
public struct Distiller {
    public let settings: DistillationSettings
    /// Random values before `run`, where the training stands when that throws.
    public let student: VisionTransformer
    public let meter = DistillationMeter()
    private let pictures: DistillationPictures

    /// - Parameter pictures: the views themselves, all of one size, where those are cached.
    public init(settings: DistillationSettings, pictures: DistillationPictures) {
        self.settings = settings
        self.pictures = pictures
        student = VisionTransformer(settings.student, seed: settings.seed)
    }

    /// - Parameters:
    ///   - teachers: the arm's teachers; their order does not matter for the result.
    ///   - caches: filled for the same pictures, where views are cached.
    public func run(
        teachers: [Teacher], caches: TeacherCaches?, configure: (inout TrainingLoop) -> Void = { _ in }
    ) throws -> DistillationResult {
        precondition((caches != nil) == (settings.views == .cached), "caches go with cached views")
        let model = settings.model(of: student, teachers: teachers)
        let optimizer = settings.optimizer(of: model)
        var loop = TrainingLoop(
            schedule: Schedule(
                .cosine, base: settings.learningRate, final: settings.learningRate / 100,
                warmupSteps: settings.warmupSteps, totalSteps: settings.steps),
            clipNorm: settings.clipNorm, seed: settings.seed)
        loop.precision = settings.precision
        loop.checkpointedBlocks = settings.checkpointedBlocks
        configure(&loop)
        let plan = EpochPlan(
            sampleCount: pictures.count, batchSize: min(settings.batchSize, pictures.count), seed: settings.seed,
            dropsLast: true)
        loop.batch = { plan.batch(step: $0).indices }
        let watch = DiagnosticsWatch(from: settings.steps - max(1, settings.steps / 10))
        let (parts, group) = (settings.parts(of: plan.batchSize), loop.group)
        let share = try BatchPlaces(batch: plan.batchSize, parts: parts, group)
        let batches = views(plan, share, from: loop.firstStep)
        defer { batches.stop() }
        var made: Views = ([], [])
        let loss = { (step: Int, part: Int, forward: Forward) throws -> [LossTerm] in
            meter.count(share.count * group.size)
            if part == 0 { made = try batches.batch(step) }
            let places = share.range(of: part)
            let (images, targets) = try seen(
                (Array(made.items[places]), Array(made.views[places])), teachers, caches, model.teacherProjections)
            let views = model.views(of: Variable(images), forward)
            let (terms, diagnostics) = model.loss(views, teacherTokens: targets, forward)
            watch.add(step, diagnostics, group)
            return terms
        }
        var average: VisionTransformer?
        let history: TrainingHistory
        if let decay = settings.averageDecay {
            let copy = student.copied(dropPath: student.configuration.dropPath)
            let both = AveragedTraining(model, averaging: student, into: copy, decay: decay)
            history = try loop.run(optimizer, of: both, carrying: watch, parts: parts, loss: loss) { _ in both.update()
            }
            average = copy
        } else {
            history = try loop.run(optimizer, of: model, carrying: watch, parts: parts, loss: loss)
        }
        return DistillationResult(
            student: average ?? student, last: student, history: history, speed: meter.json, diagnostics: watch.means)
    }

    /// The pictures of all steps and, where views are cached, which of them are mirrored.
    private func views(
        _ plan: EpochPlan, _ share: BatchPlaces, from firstStep: Int
    ) -> BatchesAhead<(picture: Picture, view: PictureView)> {
        let (pictures, settings) = (pictures, settings)
        let maker = ViewMaker(ViewFraming(size: settings.student.imageSize, scale: settings.viewScale))
        return BatchesAhead(
            from: firstStep, steps: settings.steps, places: share.places, items: { plan.batch(step: $0).indices }
        ) { step, place, id in
            let picture = try pictures[id]
            guard settings.views == .cached else {
                let view = maker.view(
                    picture, seed: settings.seed, purpose: "distillation view", step: step, place: place)
                return (view, .original)
            }
            var stream = RandomStream(
                seed: settings.seed, purpose: "distillation flip", UInt64(step), UInt64(place))
            if !stream.chance(0.5) { return (picture, .original) }
            let size = ImageSize(height: picture.height, width: picture.width)
            return (Framing(of: size, squeezedTo: size).mirrored().picture(picture, filter: .bilinear), .flipped)
        }
    }

    private typealias Views = (items: [Int], views: [(picture: Picture, view: PictureView)])

    /// Network input, and what the teachers say of it.
    private func seen(
        _ made: Views, _ teachers: [Teacher], _ caches: TeacherCaches?, _ projections: [Int]
    ) throws -> (Tensor, [TeacherTokens]) {
        let images = Normalisation.imageNet.batch(made.views.map(\.picture))
        if let caches {
            return (images, try caches.tokens(teachers.map(\.name), ids: made.items, views: made.views.map(\.view)))
        }
        return (images, meter.teachers { teachers.map { $0.tokens(of: images, projections: projections) } })
    }
}

/// Sums of diagnostics over the last steps: cosines and gates, each by teacher and token type.
private final class DiagnosticsWatch: CarriedSums {
    private let first: Int
    private var cosines = NamedSums()
    private var gates = NamedSums()

    init(from first: Int) { self.first = first }

    var sums: [NamedSums] {
        get { [cosines, gates] }
        set { if newValue.count == 2 { (cosines, gates) = (newValue[0], newValue[1]) } }
    }

    func add(_ step: Int, _ diagnostics: [TeacherDiagnostics], _ group: any Communicator) {
        guard step >= first else { return }
        let means = group.means(diagnostics.flatMap { [$0.cosine, $0.gate] })
        for (place, entry) in diagnostics.enumerated() {
            let name = "\(entry.teacher).\(entry.tokenType.rawValue)"
            cosines.add(name, means[2 * place])
            gates.add(name, means[2 * place + 1])
        }
    }

    var means: [(teacher: String, tokenType: String, cosine: Double, gate: Double)] {
        zip(cosines.means, gates.means).map { cosine, gate in
            let dot = cosine.name.lastIndex(of: ".")!
            let type = cosine.name[cosine.name.index(after: dot)...]
            return (String(cosine.name[..<dot]), String(type), cosine.mean, gate.mean)
        }
    }
}
