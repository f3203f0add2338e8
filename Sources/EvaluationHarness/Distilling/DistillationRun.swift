import DenseData
import Distillation
import ImageFiles
import JSONText
import NeuralLayers
import SafeFiles
import TensorCore
import VisionBackbones

/// `dmt distill`: frozen teachers and unlabelled pictures in, a student out.
public struct DistillationRun {
    public let recipe: Recipe
    public let settings: DistillationSettings
    /// Those that the fusion asks; paths resolved, where there is more than a plan to make.
    public let teachers: [TeacherEntry]
    /// A folder that keeps the teachers' tokens of cached views for later runs; nil keeps them in memory.
    public var featureFolder: String?

    /// - Parameter resolvesTeachers: `false` for a plan, which needs no checkpoint.
    public init(recipe: Recipe, seed: UInt64, resolvesTeachers: Bool = true) throws(DataError) {
        self.recipe = recipe
        let (settings, listed) = try DistillationSettings.read(recipe, seed: seed)
        self.settings = settings
        let asked = settings.asked(among: listed)
        teachers = try asked.map { teacher throws(DataError) in resolvesTeachers ? try teacher.resolved() : teacher }
    }

    /// - Throws: `.configuration` for a distillation that would take more than it may.
    public func assertFits(_ memory: MemoryAllowance, dataset: String, _ session: CommandSession) throws {
        try session.assertFits(memory, recipe: recipe.name) {
            let pictures = DistillationPictures(try source(of: dataset), limit: settings.limit).count
            return try DistillationPlan(self, pictures: pictures, times: false).demand
        }
    }

    private func source(of dataset: String) throws(DataError) -> any UnlabelledLoader {
        try DatasetFile(dataset).unlabelled(split: "train")
    }

    /// What a student depends on besides its state.
    private func identity(dataset: String) throws(DataError) -> TrainingIdentity {
        var checkpoints: [(name: String, hash: String)] = []
        for teacher in teachers { checkpoints.append((teacher.name, try CheckpointFile.hash(teacher.file))) }
        // Enough of them: each file holds a picture or more, in the order of the pictures.
        let files = try source(of: dataset).files().prefix(settings.limit ?? Int.max)
        return TrainingIdentity(
            recipe: recipe.hash, seed: settings.seed, data: try ContentHash.of(Array(files)), checkpoints: checkpoints,
            // A folder keeps tokens rounded, memory as they are.
            options: settings.views == .cached && featureFolder != nil ? "--feature-cache" : "")
    }

    /// The training pictures of a data set, as many as the recipe takes; the views themselves where those are cached.
    func pictures(of dataset: String) throws -> DistillationPictures {
        let listed = DistillationPictures(try source(of: dataset), limit: settings.limit)
        guard settings.views == .cached else { return listed }
        return DistillationPictures(try settings.cachedViews(of: listed))
    }

    /// The recipe's teachers, or those of the given names.
    func load(only names: Set<String>? = nil) throws -> [Teacher] {
        try teachers.filter { names?.contains($0.name) ?? true }.map {
            try $0.load(for: settings)
        }
    }

    /// The teachers' tokens of all views, or nothing where views are random.
    func caches(
        _ frozen: [Teacher], _ views: DistillationPictures, _ session: CommandSession
    ) throws -> TeacherCaches? {
        guard settings.views == .cached, !frozen.isEmpty else { return nil }
        let pictures = views.held
        let caches = try TeacherCaches(frozen, pictures: pictures, place: try place(of: frozen), group: session.group)
        let need = caches.need
        session.note(
            "teacher cache: \(PlanText.size(need.byteCount)) of "
                + (featureFolder.map { "disk in \($0), \(PlanText.size(need.missing)) of it to be made" } ?? "memory"))
        if need.missingViews == 0 && session.group.size == 1 { return caches }
        let progress = session.progress("teachers", total: pictures.count * frozen.count, unit: "picture")
        try caches.fill(
            frozen, pictures: pictures, checkpoint: { try session.checkForStop() },
            onBatch: { progress.advance(by: $0) })
        progress.finish()
        return caches
    }

    private func place(of frozen: [Teacher]) throws -> FeaturePlace {
        guard let featureFolder else { return .memory }
        var hashes: [String: String] = [:]
        for teacher in teachers where frozen.contains(where: { $0.name == teacher.name }) {
            hashes[teacher.name] = try CheckpointFile.hash(teacher.file)
        }
        return .folder(featureFolder, storage: settings.featureStorage, checkpoints: hashes)
    }

    /// One student.
    ///
    /// - Parameter journal: keeps the state in a run folder, and goes on from there; nil keeps nothing.
    func distil(
        _ frozen: [Teacher], _ pictures: DistillationPictures, _ caches: TeacherCaches?,
        _ settings: DistillationSettings,
        label: String, _ session: CommandSession, journal: TrainingJournal? = nil
    ) throws -> DistillationResult {
        let progress = session.progress(
            "distil \(label)", total: settings.steps, done: journal?.firstStep ?? 0, unit: "step")
        let distiller = Distiller(settings: settings, pictures: pictures)
        let result = try session.stoppable(in: journal?.run) {
            try distiller.run(teachers: frozen, caches: caches) { loop in
                loop.journal = journal
                loop.shouldStop = { session.isAskedToStop() }
                loop.group = session.group
                loop.onStep = {
                    progress.advance(postfix: "loss \(ProgressText.short($0.loss)), \(distiller.meter.text)")
                }
            }
        }
        progress.finish()
        return result
    }

    /// Trains in a run folder; the student is `student.safetensors` in it.
    ///
    /// - Parameter folder: nil on ranks that follow.
    /// - Returns: the document of `--json`; null on ranks that follow.
    public func run(dataset: String, in folder: RunFolder?, session: CommandSession) throws -> JSONValue {
        let pictures = try pictures(of: dataset)
        let frozen = try load()
        let journal = try TrainingJournal(
            folder, settings.snapshots, totalSteps: settings.steps, identity: try identity(dataset: dataset),
            session: session)
        let caches = try session.stoppable(in: folder) { try self.caches(frozen, pictures, session) }
        let result = try distil(
            frozen, pictures, caches, settings, label: recipe.name, session, journal: journal)
        guard let folder else { return .null }
        try TrainingCurves.write(result.history, to: folder)
        let checkpoint = try folder.file("student.safetensors")
        var metadata = [
            "dmt.recipe": recipe.name, "dmt.recipe_sha256": recipe.hash, "dmt.seed": "\(settings.seed)",
            "dmt.steps": "\(settings.steps)", "dmt.teachers": teachers.map(\.name).joined(separator: ","),
        ]
        if let decay = settings.averageDecay {
            try ModelFile.save(result.last, to: try folder.file("student.last.safetensors"), metadata: metadata)
            folder.note("student.last.safetensors")
            metadata["dmt.weights"] = "moving average, decay \(decay)"
        }
        try ModelFile.save(result.student, to: checkpoint, metadata: metadata)
        folder.note("student.safetensors")
        return .object([
            ("schema_version", .int(1)), ("checkpoint", .string(checkpoint)),
            ("sha256", .string(try CheckpointFile.hash(checkpoint))),
            ("loss", .init(finite: result.history.last("total"))),
            ("diagnostics", .array(result.diagnostics.map(Self.json))), ("speed", result.speed),
        ])
    }

    static func json(
        _ entry: (teacher: String, tokenType: String, cosine: Double, gate: Double)
    ) -> JSONValue {
        .object([
            ("teacher", .string(entry.teacher)), ("tokens", .string(entry.tokenType)),
            ("cosine", .init(finite: entry.cosine)), ("gate", .init(finite: entry.gate)),
        ])
    }
}
