import DenseData
import JSONText
import Reporting
import SafeFiles
import VisionBackbones

/// `dmt train`: a recipe, data and perhaps a pretrained backbone become a run folder with a checkpoint.
public struct HeadTraining: Sendable {
    public var task: HeadTask
    /// A shipped recipe's name or a file.
    public var recipe: String
    public var overrides: [String] = []
    /// A `dataset.yaml` or its folder.
    public var data: String
    /// A backbone, or a model with one; without it the recipe's backbone starts from random values.
    public var checkpoint: String?
    public var imageList: String?
    /// The run folder; a fresh one in `runs` unless given.
    public var out: String?
    /// Continues the unfinished run in `out`.
    public var resumes = false
    /// Whether the run's state is saved now and then, so that it can be continued.
    public var keepsSnapshots = true
    public var commandLine: [String] = []

    public init(task: HeadTask, recipe: String, data: String) {
        self.task = task
        self.recipe = recipe
        self.data = data
    }

    /// Trains, and writes `checkpoint.safetensors`, `metrics.jsonl`, TensorBoard events, `history.json` and what every
    /// run folder holds.
    ///
    /// - Returns: the document of `--json`; null on ranks that follow.
    /// - Throws: `Interruption` after the state was saved; everything that recipes, data and files throw.
    public func run(_ session: CommandSession) throws -> JSONValue {
        let recipe = try load()
        let reader = recipe.reader()
        let header = try RecipeHeader(reader)
        let ownTask: HeadTask = try reader.choice("task")
        guard header.kind == .train, ownTask == task else {
            throw DataError(
                .configuration, file: recipe.file, record: "kind and task",
                expected: "kind train, task \(task.rawValue)",
                found: "kind \(header.kind.rawValue), task \(ownTask.rawValue)", remedy: "choose another recipe")
        }
        let split: String = try reader.value("split", default: "train")
        let backbone = try backbone(reader, seed: session.seed)
        let source = try TaskData(data, section: task.section, split: split, listFile: imageList)
        var notes = TrainingNotes()
        notes.arm = try reader.optional("arm") ?? checkpoint.map(Self.stem) ?? "scratch"
        notes.settings = recipe.settings
        let job = try job(reader, source, backbone, session, &notes)
        try reader.assertAllKeysRead()

        let place: RunFolder.Place = out.map { .exactly($0, resumes: resumes) } ?? .fresh(in: "runs")
        let folder = try session.runFolder {
            try RunFolder(place, recipe: recipe, commandLine: commandLine)
        }
        session.listenForInterrupts()
        try session.tracking(folder) {
            session.note(
                "\(task.rawValue): \(job.pictures) pictures of \(source.name) \(split), arm \(notes.arm), "
                    + "\(job.steps) steps")
            let journal = keepsSnapshots ? try journal(of: job, in: folder, recipe, notes.seed, session) : nil
            let logs = try folder.map { folder throws(DataError) in
                try TrainingLogs(
                    folder, firstStep: journal?.firstStep ?? 0, totalSteps: job.steps, session: session)
            }
            journal?.beforeSave = { try logs?.synchronize() }
            let history = try session.stoppable(in: journal?.run) {
                try job.train({ try logs?.record($0) }, { session.isAskedToStop() }, journal)
            }
            guard let folder, let logs else { return }
            try job.save(try folder.file("checkpoint.safetensors"), notes.metadata)
            folder.note("checkpoint.safetensors")
            try logs.finish(history)
        }
        guard let folder else { return .null }
        session.name(files: folder.filesWritten)
        return .object([
            ("schema_version", .int(1)), ("run", .string(folder.path)), ("task", .string(task.rawValue)),
            ("arm", .string(notes.arm)), ("checkpoint", .string("\(folder.path)/checkpoint.safetensors")),
            ("steps", .int(Int64(job.steps))), ("images", .int(Int64(job.pictures))),
        ])
    }

    private func journal(
        of job: Job, in folder: RunFolder?, _ recipe: Recipe, _ seed: UInt64, _ session: CommandSession
    ) throws(DataError) -> TrainingJournal {
        var checkpoints: [(name: String, hash: String)] = []
        if let checkpoint { checkpoints = [(Self.stem(checkpoint), try CheckpointFile.hash(checkpoint))] }
        return try TrainingJournal(
            folder, job.snapshots, totalSteps: job.steps,
            identity: TrainingIdentity(recipe: recipe.hash, seed: seed, data: job.data, checkpoints: checkpoints),
            session: session)
    }

    private func load() throws(DataError) -> Recipe {
        if FileBytes.exists(recipe) {
            return try Recipe.load(file: recipe, overrides: overrides, library: try? RecipeLibrary.shipped())
        }
        return try RecipeLibrary.shipped().load(recipe, overrides: overrides)
    }

    private func backbone(_ reader: RecipeReader, seed: UInt64) throws(DataError) -> VisionTransformer {
        let fresh = try reader.optionalMap("backbone").map { map throws(DataError) in try ViTConfiguration(map) }
        if let checkpoint { return try ModelFile.loadBackbone(checkpoint) }
        guard let fresh else {
            throw DataError(
                .configuration, file: recipe, record: "backbone", expected: "a backbone, or --checkpoint FILE",
                found: "neither", remedy: "give a checkpoint, or add 'backbone:' to train from random values")
        }
        return VisionTransformer(fresh, seed: seed)
    }

    static func stem(_ path: String) -> String {
        let name = Folder.name(of: path)
        return name.lastIndex(of: ".").map { String(name[..<$0]) } ?? name
    }

    // MARK: Tasks

    private typealias Train = (
        _ onStep: @escaping (StepReport) throws -> Void, _ shouldStop: @escaping () -> Bool, TrainingJournal?
    ) throws -> TrainingHistory

    /// One task's training with its types closed over.
    private struct Job {
        var steps: Int
        var pictures: Int
        /// Content hash of the training data.
        var data: String
        var snapshots: SnapshotPlan
        var train: Train
        var save: (String, [String: String]) throws -> Void
    }

    private func job(
        _ reader: RecipeReader, _ source: TaskData, _ backbone: VisionTransformer, _ session: CommandSession,
        _ notes: inout TrainingNotes
    ) throws -> Job {
        switch task {
        case .segment:
            let settings = try SegmentationSettings(reader, seed: session.seed)
            try reader.assertAllKeysRead()
            let dataset = try source.segmentation()
            let trainer = SegmentationTrainer(settings)
            let model = try trainer.model(on: backbone, for: dataset)
            notes.protocolEntries = settings.protocolEntries
            return try job(model, settings.tuning, dataset, source, &notes) {
                try trainer.run(model, dataset: dataset, onStep: $0, shouldStop: $1, journal: $2, group: session.group)
            }
        case .detect:
            let settings = try DetectionSettings(reader, seed: session.seed)
            try reader.assertAllKeysRead()
            let dataset = try source.detection()
            let trainer = DetectionTrainer(settings)
            let model = try trainer.model(on: backbone, for: dataset)
            notes.protocolEntries = settings.protocolEntries
            return try job(model, settings.tuning, dataset, source, &notes) {
                try trainer.run(model, dataset: dataset, onStep: $0, shouldStop: $1, journal: $2, group: session.group)
            }
        case .classify:
            let settings = try ClassificationSettings(reader, seed: session.seed)
            try reader.assertAllKeysRead()
            let dataset = try source.classification()
            let trainer = ClassificationTrainer(settings)
            let model = try trainer.model(on: backbone, for: dataset)
            notes.protocolEntries = settings.protocolEntries
            return try job(model, settings.tuning, dataset, source, &notes) {
                try trainer.run(model, dataset: dataset, onStep: $0, shouldStop: $1, journal: $2, group: session.group)
            }
        }
    }

    /// What the tasks have in common once their model and data are open.
    private func job(
        _ model: some HeadedModel, _ tuning: FineTuning, _ dataset: some DatasetLoader, _ source: TaskData,
        _ notes: inout TrainingNotes,
        train: @escaping Train
    ) throws -> Job {
        notes.seed = tuning.seed
        let hash = try dataset.contentHash()
        notes.trainingData = "\(source.name) \(source.split), \(dataset.count) images, \(hash)"
        return Job(
            steps: tuning.steps, pictures: dataset.count, data: hash, snapshots: tuning.snapshots, train: train,
            save: { try model.save(to: $0, metadata: $1) })
    }
}
