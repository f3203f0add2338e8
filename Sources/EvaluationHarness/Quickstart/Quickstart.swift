import Distillation
import Foundation
import ImageFiles
import JSONText
import Reporting
import SafeFiles
import VisionBackbones

/// `dmt quickstart`: the whole chain on drawn scenes, from pixels to a comparison report.
///
/// Every stage is the verb a user would run: `data scenes`, `distill`, `train`, `eval`; their run folders stay below `runs`.
public struct Quickstart: Sendable {
    public let arms: [QuickstartArm]
    let out: String
    let recipe: Recipe
    let settings: QuickstartSettings
    let commandLine: [String]

    /// - Parameter out: absent or empty.
    public init(
        recipe: Recipe, arms: [QuickstartArm], out: String, commandLine: [String]
    ) throws(DataError) {
        self.recipe = recipe
        self.arms = arms
        self.out = out
        self.commandLine = commandLine
        settings = try QuickstartSettings(recipe)
        guard !arms.isEmpty, Set(arms).count == arms.count else {
            throw DataError(
                .configuration, file: "--arms", expected: "different arms",
                found: arms.map(\.rawValue).joined(separator: ","),
                remedy: "name each arm once")
        }
    }

    var data: String { "\(out)/scenes" }
    func run(_ arm: QuickstartArm, _ stage: String) -> String { "\(out)/runs/\(arm.rawValue)-\(stage)" }
    func student(_ arm: QuickstartArm) -> String { "\(out)/students/\(arm.rawValue).safetensors" }

    /// Runs all stages and writes `report.json`, `report.md` and `report.html`.
    public func run(_ session: CommandSession) throws -> JSONValue {
        let start = Date()
        guard try !Folder.exists(out) || Folder.entries(out).isEmpty else {
            throw DataError(
                .cannotWrite, file: out, expected: "an empty or absent folder", found: "a folder with files",
                remedy: "choose another --out, or remove the folder")
        }
        try Folder.create(out)
        session.listenForInterrupts()
        // The teachers must be there before minutes are spent on scenes.
        let distillation = try DistillationRun(
            recipe: RecipeLibrary.shipped().load(settings.distillRecipe, overrides: settings.distillOverrides),
            seed: session.seed)
        var quiet = session
        quiet.namesFiles = false
        let stages = QuickstartStages(total: 2 + arms.count * 3, session: session)
        stages.begin("draw \(settings.scenes.train) + \(settings.scenes.validation) scenes")
        _ = try SceneDrawing.run(
            to: data, trainCount: settings.scenes.train, validationCount: settings.scenes.validation,
            size: settings.scenes.size,
            session: quiet)
        try LabelledLists.write(of: data, count: settings.scenes.labelled, to: out)
        stages.begin("distil the students")
        let distilled = try distil(distillation, quiet)
        var results: [ArmResult] = []
        for arm in arms {
            stages.begin("\(arm.rawValue): neighbours")
            var result = ArmResult(arm: arm, distillation: distilled[arm] ?? nil)
            result.knn = try evaluate(.knn, arm, checkpoint: student(arm), quiet)
            stages.begin("\(arm.rawValue): segmentation")
            try train(
                .segment, arm, settings.segmentRecipe, settings.segmentOverrides, quiet)
            result.segmentation = try evaluate(
                .segment, arm, checkpoint: run(arm, "segment") + "/checkpoint.safetensors", quiet)
            stages.begin("\(arm.rawValue): detection")
            try train(.detect, arm, settings.detectRecipe, settings.detectOverrides, quiet)
            result.detection = try evaluate(
                .detect, arm, checkpoint: run(arm, "detect") + "/checkpoint.safetensors", quiet)
            results.append(result)
        }
        let seconds = Date().timeIntervalSince(start)
        let document = try QuickstartReport(
            quickstart: self, results: results, teachers: distillation.teachers, seconds: seconds, seed: session.seed
        ).write()
        session.name(files: try files())
        return document
    }

    /// The Markdown report's tables for the terminal: what was written, read back.
    public func text() throws -> String {
        let markdown = String(decoding: try FileBytes.read("\(out)/report.md", limit: 64 << 20), as: UTF8.self)
        return markdown.components(separatedBy: "\n## Classes")[0] + "\n"
    }

    // MARK: Stages

    /// Students of all arms; teacher tokens are computed once for all.
    private func distil(
        _ run: DistillationRun, _ session: CommandSession
    ) throws -> [QuickstartArm: DistillationResult?] {
        try Folder.create("\(out)/students")
        let pictures = try run.pictures(of: data)
        let names = run.teachers.map(\.name)
        let needed = Set(arms.flatMap { $0.teachers(among: names) })
        let teachers = try run.load(only: needed)
        let caches = try run.caches(teachers, pictures, session)
        var results: [QuickstartArm: DistillationResult?] = [:]
        for arm in arms {
            let chosen = arm.teachers(among: names)
            var settings = run.settings
            settings.fusion = arm == .mean ? .mean : .consensus
            if chosen.isEmpty {
                try ModelFile.save(VisionTransformer(settings.student, seed: settings.seed), to: student(arm))
                results[arm] = .some(nil)
                continue
            }
            let result = try run.distil(
                teachers.filter { chosen.contains($0.name) }, pictures, caches, settings, label: arm.rawValue, session)
            try ModelFile.save(
                result.student, to: student(arm),
                metadata: ["dmt.teachers": chosen.joined(separator: ","), "dmt.seed": "\(settings.seed)"])
            results[arm] = result
        }
        return results
    }

    private func train(
        _ task: HeadTask, _ arm: QuickstartArm, _ recipe: String, _ overrides: [String],
        _ session: CommandSession
    ) throws {
        var training = HeadTraining(task: task, recipe: recipe, data: data)
        training.overrides = overrides + ["+arm=\(arm.rawValue)"]
        training.checkpoint = student(arm)
        training.imageList = "\(out)/\(LabelledLists.file(task))"
        training.out = run(arm, task.rawValue)
        training.commandLine = commandLine
        // A quickstart begins anew: nothing would read the snapshots.
        training.keepsSnapshots = false
        _ = try training.run(session)
    }

    private func evaluate(
        _ task: EvaluationTask, _ arm: QuickstartArm, checkpoint: String, _ session: CommandSession
    ) throws -> RunRecord {
        var evaluation = HeadEvaluation(task: task, data: data)
        evaluation.checkpoint = checkpoint
        evaluation.arm = arm.rawValue
        evaluation.out = run(arm, "\(task.rawValue)-eval")
        evaluation.commandLine = commandLine
        evaluation.bootstrapDraws = settings.bootstrapDraws
        if task == .knn { evaluation.size = settings.neighbourSize }
        return try RunRecord(json: evaluation.run(session))
    }

    /// Reports, students and run folders; the many files inside run folders are listed in them.
    private func files() throws(DataError) -> [String] {
        var list = ["report.html", "report.md", "report.json"] + LabelledLists.files + ["scenes/"]
        list += arms.map { "students/\($0.rawValue).safetensors" }
        list += try Folder.entries("\(out)/runs").map { "runs/\($0)/" }
        let root = out.hasPrefix("/") ? out : FileManager.default.currentDirectoryPath + "/" + out
        return list.map { "\(root)/\($0)" }
    }
}

/// One arm's records.
struct ArmResult {
    let arm: QuickstartArm
    let distillation: DistillationResult?
    var knn: RunRecord?
    var segmentation: RunRecord?
    var detection: RunRecord?
}

/// Numbers the stages and estimates what is left from those that are done.
private final class QuickstartStages {
    private let total: Int
    private let session: CommandSession
    private let start = Date()
    private var current = 0

    init(total: Int, session: CommandSession) {
        self.total = total
        self.session = session
    }

    func begin(_ name: String) {
        let elapsed = Date().timeIntervalSince(start)
        // The first two stages are unlike the others: an estimate from them alone would mislead.
        let left = current > 4 ? ", about \(Int(elapsed / Double(current) * Double(total - current))) s left" : ""
        current += 1
        session.note("stage \(current)/\(total): \(name) (\(Int(elapsed)) s elapsed\(left))")
    }
}
