import Autograd
import DenseData
import Determinism
import Distillation
import Geometry
import ImageFiles
import NeuralLayers
import TensorCore
import VisionBackbones

/// What a distillation leaves behind.
public struct DistillationResult {
    public var student: VisionTransformer
    public var history: TrainingHistory
    /// Mean cosine and gate weight a teacher and token type over the last tenth of the steps.
    public var diagnostics: [(teacher: String, tokenType: String, cosine: Double, gate: Double)]
}

/// Trains a student to agree with frozen teachers.
public struct Distiller {
    public let settings: DistillationSettings
    /// Random values before `run`, where the training stands when that throws.
    public let student: VisionTransformer
    private let pictures: [Picture]

    /// - Parameter pictures: the views themselves, all of one size, where those are cached.
    public init(settings: DistillationSettings, pictures: [Picture]) {
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
        var watch = DiagnosticsWatch(from: settings.steps - max(1, settings.steps / 10))
        let batches = views(plan)
        defer { batches.stop() }
        let history = try loop.run(optimizer) { step, forward in
            let (images, targets) = try batch(step, batches, teachers, caches, model.teacherProjections)
            let views = model.views(of: Variable(images), forward)
            let (terms, diagnostics) = model.loss(views, teacherTokens: targets, forward)
            watch.add(step, diagnostics)
            return terms
        }
        return DistillationResult(student: student, history: history, diagnostics: watch.means)
    }

    /// The pictures of all steps and, where views are cached, which of them are mirrored.
    private func views(_ plan: EpochPlan) -> BatchesAhead<(picture: Picture, view: PictureView)> {
        let (pictures, settings) = (pictures, settings)
        let maker = ViewMaker(ViewFraming(size: settings.student.imageSize, scale: settings.viewScale))
        return BatchesAhead(steps: settings.steps, items: { plan.batch(step: $0).indices }) { step, place, id in
            let picture = pictures[id]
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

    private func batch(
        _ step: Int, _ batches: BatchesAhead<(picture: Picture, view: PictureView)>, _ teachers: [Teacher],
        _ caches: TeacherCaches?, _ projections: [Int]
    ) throws -> (Tensor, [TeacherTokens]) {
        let (ids, views) = try batches.batch(step)
        let images = Normalisation.imageNet.batch(views.map(\.picture))
        guard let caches else { return (images, teachers.map { $0.tokens(of: images, projections: projections) }) }
        return (images, try caches.tokens(teachers.map(\.name), ids: ids, views: views.map(\.view)))
    }
}

/// Sums of diagnostics over the last steps.
private struct DiagnosticsWatch {
    private let first: Int
    private var sums: [(teacher: String, tokenType: String, cosine: Double, gate: Double, count: Int)] = []

    init(from first: Int) { self.first = first }

    mutating func add(_ step: Int, _ diagnostics: [TeacherDiagnostics]) {
        guard step >= first else { return }
        for entry in diagnostics {
            let type = entry.tokenType.rawValue
            if let at = sums.firstIndex(where: { $0.teacher == entry.teacher && $0.tokenType == type }) {
                sums[at].cosine += entry.cosine
                sums[at].gate += entry.gate
                sums[at].count += 1
            } else {
                sums.append((entry.teacher, type, entry.cosine, entry.gate, 1))
            }
        }
    }

    var means: [(teacher: String, tokenType: String, cosine: Double, gate: Double)] {
        sums.map { ($0.teacher, $0.tokenType, $0.cosine / Double($0.count), $0.gate / Double($0.count)) }
    }
}
