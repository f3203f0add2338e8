import DenseData
import Distillation
import JSONText
import NeuralLayers
import SafeFiles
import TensorCore
import VisionBackbones

/// `dmt distill`: frozen teachers and unlabelled pictures in, a student out.
public struct DistillationRun {
    public let recipe: Recipe
    public let settings: DistillationSettings
    /// Name and checkpoint of each teacher, paths resolved.
    public let teachers: [(name: String, file: String)]

    /// - Parameter resolvesTeachers: `false` for a plan, which needs no checkpoint.
    public init(recipe: Recipe, seed: UInt64, resolvesTeachers: Bool = true) throws(DataError) {
        self.recipe = recipe
        let (settings, listed) = try DistillationSettings.read(recipe, seed: seed)
        self.settings = settings
        teachers = try listed.map { teacher throws(DataError) in
            (teacher.name, resolvesTeachers ? try TeacherFiles.path(of: teacher.file) : teacher.file)
        }
    }

    /// What a run would do, from the recipe alone: needs no checkpoint and no data.
    public var plan: JSONValue {
        let vit = settings.student
        let side = vit.imageSize / vit.patchSize
        let flops = ViTCost(vit).forwardFlops(height: vit.imageSize, width: vit.imageSize)
        let pictures = settings.steps * settings.batchSize
        return .object([
            ("schema_version", .int(1)), ("recipe", .string(recipe.name)),
            ("teachers", .array(teachers.map { .string($0.name) })),
            ("fusion", .string(settings.fusion.rawValue)), ("views", .string(settings.views.rawValue)),
            ("student_parameters", .int(Int64(ViTCost(vit).parameterCount))),
            ("student_tokens", .int(Int64(side * side + 1))), ("steps", .int(Int64(settings.steps))),
            ("pictures_seen", .int(Int64(pictures))),
            ("student_flops", .double(3 * flops * Double(pictures))),
        ])
    }

    /// Trains in a run folder; the student is `student.safetensors` in it.
    public func run(dataset: String, in folder: RunFolder, session: CommandSession) throws -> JSONValue {
        let file = try DatasetFile(dataset)
        let source = try PictureFolder(
            file.section("unlabelled"), name: "unlabelled", split: "train", in: file.folder)
        let pictures = try PictureBatch.decode(source)
        let frozen = try teachers.map { teacher in
            Teacher(name: teacher.name, try ModelFile.loadBackbone(teacher.file))
        }
        let side = settings.student.imageSize
        let fitting = settings.views == .random ? pictures : pictures.map { PictureFit.square($0, side: side) }
        let used = settings.limit.map { Array(fitting.prefix($0)) } ?? fitting
        var caches: TeacherCaches?
        if settings.views == .cached {
            session.note("teacher cache: \(TeacherCaches.byteCount(frozen, pictures: used) >> 20) MiB of memory")
            let progress = session.progress("teachers", total: used.count * frozen.count, unit: "picture")
            caches = try TeacherCaches(
                frozen, pictures: used, checkpoint: { try session.interrupt.check() },
                onBatch: { progress.advance(by: $0) })
            progress.finish()
        }
        let progress = session.progress("distil \(recipe.name)", total: settings.steps, unit: "step")
        let result = try Distiller(settings: settings, pictures: used).run(teachers: frozen, caches: caches) { loop in
            loop.shouldStop = { session.interrupt.signalNumber != nil }
            loop.onStep = { progress.advance(postfix: "loss \(ProgressText.short($0.loss))") }
        }
        progress.finish()
        try TrainingCurves.write(result.history, to: folder)
        let checkpoint = try folder.file("student.safetensors")
        try ModelFile.save(
            result.student, to: checkpoint,
            metadata: [
                "dmt.recipe": recipe.name, "dmt.recipe_sha256": recipe.hash, "dmt.seed": "\(settings.seed)",
                "dmt.teachers": teachers.map(\.name).joined(separator: ","),
            ])
        folder.note("student.safetensors")
        return .object([
            ("schema_version", .int(1)), ("checkpoint", .string(checkpoint)),
            ("sha256", .string(try TeacherFiles.sha256(of: checkpoint))),
            ("loss", .init(finite: result.history.last("total"))),
            ("diagnostics", .array(result.diagnostics.map(Self.json))),
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
