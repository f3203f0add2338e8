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
    /// A `dataset.yaml` or its folder; a plan needs none.
    public var data: String?
    /// A backbone, or a model with one; without it the recipe's backbone starts from random values.
    public var checkpoint: String?
    public var imageList: String?
    /// Pictures used, at equal distances of the split; all unless given.
    public var limit: Int?
    /// The run folder; a fresh one in `runs` unless given.
    public var out: String?
    /// Continues the unfinished run in `out`.
    public var resumes = false
    /// Whether the run's state is saved now and then, so that it can be continued.
    public var keepsSnapshots = true
    /// A training that would take more is refused.
    public var memory = MemoryAllowance.any
    public var commandLine: [String] = []

    public init(task: HeadTask, recipe: String, data: String?) {
        self.task = task
        self.recipe = recipe
        self.data = data
    }

    /// Trains, and writes `checkpoint.safetensors`, `metrics.jsonl`, TensorBoard events, `history.json` and what every run
    /// folder holds; `last.safetensors` where the checkpoint is an average of weights, `best.safetensors` where the recipe
    /// validates.
    ///
    /// - Returns: the document of `--json`; null on ranks that follow.
    /// - Throws: `Interruption` after the state was saved; everything that recipes, data and files throw.
    public func run(_ session: CommandSession) throws -> JSONValue {
        let (recipe, reader) = try recipeOfItsTask()
        let split: String = try reader.value("split", default: "train")
        let backbone = try backbone(reader, seed: session.seed)
        let source = try source(split)
        var notes = TrainingNotes()
        notes.arm = try reader.optional("arm") ?? checkpoint.map(Self.stem) ?? "scratch"
        notes.settings = recipe.settings
        let job = try job(reader, source, backbone, session, &notes)
        try reader.assertAllKeysRead()
        try session.assertFits(memory, recipe: recipe.name) {
            try HeadTrainingPlan(
                self, recipe, reader, shape: backbone.configuration, seed: session.seed, classes: job.classes,
                pictures: job.pictures
            ).demand
        }

        let place: RunFolder.Place = out.map { .exactly($0, resumes: resumes) } ?? .fresh(in: "runs")
        let folder = try session.runFolder {
            try RunFolder(place, recipe: recipe, commandLine: commandLine)
        }
        session.listenForInterrupts()
        var best: JSONValue?
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
            // The rank that keeps the run measures; the others wait for it in their next step.
            var validation: TrainingValidation?
            if let folder, let logs, let measurement = job.measurement {
                validation = TrainingValidation(
                    measurement, totalSteps: job.steps, notes: notes, in: folder, logs: logs, session: session)
            }
            let history = try session.stoppable(in: journal?.run) {
                try job.train(
                    JobObserver(
                        onStep: { try logs?.record($0) }, validate: { try validation?($0, &$1) },
                        shouldStop: { session.isAskedToStop() }, journal: journal, group: session.group))
            }
            guard let folder, let logs else { return }
            try job.save(folder, notes)
            try logs.finish(history)
            best = validation?.json(history)
        }
        guard let folder else { return .null }
        session.name(files: folder.filesWritten)
        return .object(
            [
                ("schema_version", .int(1)), ("run", .string(folder.path)), ("task", .string(task.rawValue)),
                ("arm", .string(notes.arm)), ("checkpoint", .string("\(folder.path)/checkpoint.safetensors")),
                ("steps", .int(Int64(job.steps))), ("images", .int(Int64(job.pictures))),
            ] + (best.map { [("best", $0)] } ?? []))
    }

    private func journal(
        of job: Job, in folder: RunFolder?, _ recipe: Recipe, _ seed: UInt64, _ session: CommandSession
    ) throws(DataError) -> TrainingJournal {
        var checkpoints: [(name: String, hash: String)] = []
        if let checkpoint { checkpoints = [(Self.stem(checkpoint), try CheckpointFile.hash(checkpoint))] }
        return try TrainingJournal(
            folder, job.snapshots, totalSteps: job.steps,
            identity: TrainingIdentity(
                recipe: recipe.hash, seed: seed,
                data: job.data + (job.measurement.map { ", validation \($0.hash)" } ?? ""), checkpoints: checkpoints),
            session: session)
    }

    /// The recipe, which must be one of this task, and the reader of its keys.
    func recipeOfItsTask() throws(DataError) -> (Recipe, RecipeReader) {
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
        return (recipe, reader)
    }

    /// A split of the data set, its pictures as many as the options say.
    func source(_ split: String) throws -> TaskData {
        guard let data else {
            throw DataError(
                .configuration, file: "options", expected: "--data FOLDER", found: "nothing",
                remedy: "name a dataset.yaml or the folder it lies in")
        }
        return try limited(try TaskData(data, section: task.section, split: split, listFile: imageList), limit)
    }

    private func load() throws(DataError) -> Recipe {
        if FileBytes.exists(recipe) {
            return try Recipe.load(file: recipe, overrides: overrides, library: try? RecipeLibrary.shipped())
        }
        return try RecipeLibrary.shipped().load(recipe, overrides: overrides)
    }

    func backbone(_ reader: RecipeReader, seed: UInt64) throws(DataError) -> VisionTransformer {
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
}
