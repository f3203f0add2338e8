import DenseData
import Determinism
import ImageFiles
import JSONText
import SafeFiles
import TensorCore
import VisionBackbones

/// `dmt pretrain`: unlabelled pictures in, an encoder out.
public struct PretrainingRun {
    public var settings: PretrainingSettings
    public var recipe: Recipe

    public init(recipe: Recipe, seed: UInt64) throws(DataError) {
        self.recipe = recipe
        settings = try PretrainingSettings(recipe, seed: seed)
    }

    /// - Throws: `.configuration` for a training that would take more than it may.
    public func assertFits(_ memory: MemoryAllowance, dataset: String, _ session: CommandSession) throws {
        try session.assertFits(memory, recipe: recipe.name) {
            let pictures = try DatasetFile(dataset).unlabelled(split: "train")
            guard pictures.count > 0 else { return nil }
            // All are decoded at once: as large as the first, about.
            let first = try pictures.sample(at: 0).picture.pixels.count
            return try demand(pictureBytes: first * pictures.count)
        }
    }

    /// From real steps on blank pictures.
    private func demand(pictureBytes: Int) throws -> MemoryDemand {
        let side = settings.views.size
        let unit = settings.canvasSide.map { ($0 / side) * ($0 / side) } ?? 2
        let memory = try StepMemory(unit: unit) { batch in
            var step = settings
            (step.batchSize, step.steps, step.warmupSteps) = (batch, 1, 0)
            let blank = Picture(height: side, width: side, pixels: [UInt8](repeating: 128, count: side * side * 3))
            _ = try Pretrainer(settings: step, pictures: Array(repeating: blank, count: batch)).run()
        }
        return MemoryDemand(
            fixedBytes: memory.base + pictureBytes, pictureBytes: memory.perPicture, batch: settings.batchSize,
            recipeBatch: settings.batchSize, held: settings.batchSize, key: "training.batch", unit: unit)
    }

    /// Trains in a run folder; the encoder is `teacher.safetensors` in it.
    ///
    /// - Parameters:
    ///   - dataset: a `dataset.yaml` (its section `unlabelled`, split `train`), or the folder it lies in.
    ///   - storage: how the encoder's values are stored.
    /// - Returns: the JSON document of the command.
    public func run(dataset: String, in folder: RunFolder, storage: ModelFile.StoredType, session: CommandSession)
        throws
        -> JSONValue
    {
        let pictures = try DatasetFile(dataset).unlabelled(split: "train")
        let decoded = try ParallelMap.map(pictures.count) { try pictures.sample(at: $0).picture }
        guard decoded.count >= settings.batchSize else {
            throw DataError(
                .configuration, file: dataset, record: "unlabelled/train",
                expected: "at least one batch of \(settings.batchSize) pictures", found: "\(decoded.count)",
                remedy: "draw more scenes, or lower training.batch")
        }
        let journal = try TrainingJournal(
            folder, settings.snapshots, totalSteps: settings.steps,
            identity: TrainingIdentity(
                recipe: recipe.hash, seed: settings.seed, data: try pictures.contentHash()), session: session)
        let log = try MetricsLog(folder.file("metrics.jsonl"), resumingAt: journal.firstStep)
        folder.note("metrics.jsonl")
        journal.beforeSave = { try log.synchronize() }
        let progress = session.progress(
            "pretrain \(settings.method.rawValue)", total: settings.steps, done: journal.firstStep, unit: "step")
        let window = max(1, settings.steps / 200)
        let pretrainer = Pretrainer(settings: settings, pictures: decoded)
        let history = try session.stoppable(in: folder) {
            try pretrainer.run { loop in
                loop.journal = journal
                loop.shouldStop = { session.interrupt.signalNumber != nil }
                loop.onStep = { report in
                    progress.advance(postfix: "loss \(ProgressText.short(report.loss))")
                    guard report.step % window == 0, report.loss.isFinite else { return }
                    try log.append(
                        step: report.step, [("loss", report.loss), ("learning_rate", report.learningRate)])
                }
            }
        }
        progress.finish()
        try log.synchronize()
        let checkpoint = try folder.file("teacher.safetensors")
        try ModelFile.save(
            pretrainer.encoder, to: checkpoint,
            metadata: [
                "dmt.method": settings.method.rawValue, "dmt.recipe": recipe.name, "dmt.recipe_sha256": recipe.hash,
                "dmt.seed": "\(settings.seed)", "dmt.steps": "\(settings.steps)",
            ], dtype: storage)
        folder.note("teacher.safetensors")
        try TrainingCurves.write(history, to: folder)
        return .object([
            ("schema_version", .int(1)), ("method", .string(settings.method.rawValue)),
            ("checkpoint", .string(checkpoint)), ("sha256", .string(try CheckpointFile.hash(checkpoint))),
            ("steps", .int(Int64(settings.steps))), ("skipped_steps", .int(Int64(history.skippedSteps.count))),
            ("losses", .object(history.curves.map { ($0.name, .init(finite: $0.points.last?.value)) })),
        ])
    }
}
