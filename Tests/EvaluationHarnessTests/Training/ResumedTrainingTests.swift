import DenseData
import Distillation
import ImageFiles
import NeuralLayers
import SelfSupervision
import Testing
import VisionBackbones

@testable import EvaluationHarness

/// Each training is broken off between two snapshots, continued by new objects in the same folder, and compared with one
/// that never stopped.
@Suite("Trainings that are continued", .serialized) struct ResumedTrainingTests {
    private struct Outcome: Equatable {
        var state: [[Float]]
        var history: TrainingHistory
        var diagnostics: [Double] = []

        init(_ layer: some Layer, _ history: TrainingHistory) {
            state = layer.stateEntries().map { $0.tensor.floats() }
            self.history = history
        }
    }
    private struct BrokenOff: Error {}
    private typealias Train = (TrainingJournal?, @escaping (StepReport) throws -> Void) throws -> Outcome

    /// - Parameter last: the step after which the first process ends.
    private func check(_ folder: String, steps: Int = 5, every: Int = 2, last: Int = 3, _ train: Train) throws {
        let whole = try train(nil) { _ in }
        #expect(throws: BrokenOff.self) {
            let journal = try SnapshotFixture.journal(folder + "/run", steps: steps, every: every)
            _ = try train(journal) { if $0.step == last { throw BrokenOff() } }
        }
        let journal = try SnapshotFixture.journal(folder + "/run", steps: steps, every: every)
        #expect(journal.firstStep == last / every * every)
        var taken: [Int] = []
        let continued = try train(journal) { taken.append($0.step) }
        #expect(taken == Array(journal.firstStep + 1...steps))
        #expect(continued == whole)
    }

    private static let pictures = (0..<10).map { DrawnScene(seed: 3, split: "train", index: $0, size: 32).picture }

    private static func vit(_ width: Int, _ position: PositionEmbedding = .sinCos) -> ViTConfiguration {
        ViTConfiguration(imageSize: 32, patchSize: 8, width: width, depth: 1, headCount: 2, position: position)
    }

    @Test(arguments: PretrainingMethod.allCases, TargetBalance.allCases)
    func pretraining(method: PretrainingMethod, balance: TargetBalance) throws {
        if method != .ibot && balance == .sinkhorn { return }
        var settings = PretrainingSettings(
            method: method, backbone: Self.vit(16, method == .ibot ? .learned : .sinCos))
        (settings.batchSize, settings.steps, settings.warmupSteps) = (4, 5, 1)
        settings.views.size = method == .mae ? 32 : 16
        settings.local.size = 8
        settings.localViews = 1
        (settings.hiddenWidth, settings.outputWidth, settings.bottleneck) = (24, 8, 8)
        (settings.decoderWidth, settings.decoderDepth) = (16, 1)
        settings.ibot.prototypes = 8
        settings.ibot.balance = balance
        try withTemporaryFolder { folder in
            try check(folder) { journal, onStep in
                let pretrainer = Pretrainer(settings: settings, pictures: Self.pictures)
                let history = try pretrainer.run {
                    $0.journal = journal
                    $0.onStep = onStep
                }
                return Outcome(pretrainer.encoder, history)
            }
        }
    }

    /// Broken off within the last tenth, whose diagnostics are summed up.
    @Test(arguments: DistillationViews.allCases)
    func distillation(views: DistillationViews) throws {
        let teachers = [("first", 24, UInt64(1)), ("second", 32, 2)].map { name, width, seed in
            Teacher(name: name, VisionTransformer(Self.vit(width), seed: seed))
        }
        var settings = DistillationSettings(student: Self.vit(16))
        (settings.steps, settings.warmupSteps, settings.batchSize, settings.views) = (30, 2, 4, views)
        var caches: TeacherCaches?
        if views == .cached {
            caches = try TeacherCaches(teachers, pictures: Self.pictures, place: .memory)
            try caches?.fill(teachers, pictures: Self.pictures)
        }
        try withTemporaryFolder { folder in
            try check(folder, steps: 30, every: 4, last: 29) { journal, onStep in
                let result = try Distiller(settings: settings, pictures: DistillationPictures(Self.pictures))
                    .run(teachers: teachers, caches: caches) {
                        $0.journal = journal
                        $0.onStep = onStep
                    }
                var outcome = Outcome(result.student, result.history)
                outcome.diagnostics = result.diagnostics.flatMap { [$0.cosine, $0.gate] }
                return outcome
            }
        }
    }

    @Test(arguments: HeadTask.allCases)
    func heads(task: HeadTask) throws {
        try withTemporaryFolder { folder in
            let scenes = try DrawnScenes(folder)
            switch task {
            case .segment:
                let dataset = try scenes.data(.segment).segmentation()
                var settings = DrawnScenes.segmentation(steps: 5)
                (settings.scale, settings.distortsColours) = (0.5...2, true)
                settings.tuning.dropPath = 0.2
                let trainer = SegmentationTrainer(settings)
                try check(folder) { journal, onStep in
                    let model = try trainer.model(on: DrawnScenes.backbone(), for: dataset)
                    return Outcome(
                        model,
                        try trainer.run(model, dataset: dataset, TrainingObserver(onStep: onStep, journal: journal)))
                }
            case .detect:
                let dataset = try scenes.data(.detect).detection()
                var settings = DrawnScenes.detection(steps: 5)
                settings.tuning.freezesBackbone = true
                let trainer = DetectionTrainer(settings)
                try check(folder) { journal, onStep in
                    let model = try trainer.model(on: DrawnScenes.backbone(), for: dataset)
                    return Outcome(
                        model,
                        try trainer.run(model, dataset: dataset, TrainingObserver(onStep: onStep, journal: journal)))
                }
            case .classify:
                let dataset = try scenes.data(.classify).classification()
                var settings = ClassificationSettings()
                settings.architecture.size = 32
                (settings.tuning.steps, settings.tuning.batchSize, settings.tuning.layerDecay) = (5, 4, 0.8)
                let trainer = ClassificationTrainer(settings)
                try check(folder) { journal, onStep in
                    let model = try trainer.model(on: DrawnScenes.backbone(), for: dataset)
                    return Outcome(
                        model,
                        try trainer.run(model, dataset: dataset, TrainingObserver(onStep: onStep, journal: journal)))
                }
            }
        }
    }

    private static let optimizers: [OptimizerSettings] = [
        .adamw(betas: [0.8, 0.9]), .sgd(momentum: 0.9, nesterov: true), .lars(momentum: 0.8),
    ]

    /// With an average of the weights and the batch in parts.
    @Test(arguments: optimizers)
    func everyOptimizer(optimizer: OptimizerSettings) throws {
        try withTemporaryFolder { folder in
            let dataset = try DrawnScenes(folder).data(.classify).classification()
            var settings = ClassificationSettings()
            settings.architecture.size = 32
            settings.architecture.norm = .batch
            (settings.tuning.steps, settings.tuning.batchSize, settings.tuning.microBatch) = (5, 4, 2)
            settings.mixing.mixup = 0.5
            settings.tuning.optimizer = optimizer
            settings.tuning.averageDecay = 0.9
            let trainer = ClassificationTrainer(settings)
            try check(folder) { journal, onStep in
                let model = try trainer.model(on: DrawnScenes.backbone(), for: dataset)
                var observer = TrainingObserver<ClassificationModel>(onStep: onStep, journal: journal)
                let average = try model.unlearnedTwin()
                observer.average = average
                let history = try trainer.run(model, dataset: dataset, observer)
                var outcome = Outcome(model, history)
                outcome.state += Outcome(average, history).state
                return outcome
            }
        }
    }

    @Test func distillationWithAnAverage() throws {
        let teacher = Teacher(name: "first", VisionTransformer(Self.vit(24), seed: 1))
        var settings = DistillationSettings(student: Self.vit(16))
        (settings.steps, settings.warmupSteps, settings.batchSize, settings.views) = (6, 2, 4, .random)
        (settings.averageDecay, settings.microBatch) = (0.5, 2)
        settings.optimizer = .lars(momentum: 0.9)
        try withTemporaryFolder { folder in
            try check(folder, steps: 6, every: 2, last: 5) { journal, onStep in
                let result = try Distiller(settings: settings, pictures: DistillationPictures(Self.pictures))
                    .run(teachers: [teacher], caches: nil) {
                        $0.journal = journal
                        $0.onStep = onStep
                    }
                var outcome = Outcome(result.student, result.history)
                #expect(outcome.state != Outcome(result.last, result.history).state)
                outcome.state += Outcome(result.last, result.history).state
                return outcome
            }
        }
    }
}
