/// One command line of the lab, run in the lab's folder.
struct LabJob: Sendable {
    var name: String
    /// Arguments of `dmt`, as a user would type them.
    var arguments: [String]
    /// Names of jobs that must be done before.
    var after: [String]
    /// What it writes, relative to the lab's folder: removed before the job begins anew.
    var output: String
    /// Whether the verb knows `--resume`.
    var isResumable: Bool
    /// Core-seconds as the recipe states them.
    var coreSeconds: Double

    var commandLine: String { (["dmt"] + arguments).map(RunFolder.quoted).joined(separator: " ") }
}

/// Where one number of the table comes from.
struct LabCell: Sendable {
    var arm: LabArm
    var seed: Int
    var column: String
    /// The metric's name in the record.
    var metric: String
    /// The evaluation.
    var job: String
}

/// All jobs of a lab in the order they may begin, and the cells they fill.
///
///     scenes ─┬─ teachers
///             └─ dmt-s0-start ─┬─ dmt-s0-knn
///                (several      ├─ dmt-s0-segment-train ── dmt-s0-segment
///                 teachers)    └─ mae-s0-start (teacher tokens are there) ── …
struct LabPlan: Sendable {
    private(set) var jobs: [LabJob] = []
    private(set) var cells: [LabCell] = []
    let settings: LabSettings

    static let scenes = "scenes"
    static let teachers = "teachers"

    init(_ settings: LabSettings) {
        self.settings = settings
        jobs.append(
            LabJob(
                name: Self.scenes,
                arguments: [
                    "data", "scenes", "--train", "\(settings.trainScenes)", "--val", "\(settings.validationScenes)",
                    "--size", "\(settings.size)", "--seed", "\(settings.sceneSeed)", "--out", "scenes",
                ], after: [], output: "scenes", isResumable: false, coreSeconds: 10))
        // All starts first: the figures of every arm then grow together, seed by seed.
        for seed in settings.seeds {
            for arm in startOrder { jobs.append(start(of: arm, seed)) }
            for arm in settings.arms {
                for stage in settings.stages { add(stage, arm, seed) }
            }
        }
        if !settings.teachers.isEmpty {
            jobs.append(
                LabJob(
                    name: Self.teachers,
                    arguments: ["inspect", "teachers"] + settings.teachers + ["--data", "scenes", "--json"],
                    after: [Self.scenes], output: "", isResumable: false, coreSeconds: 100))
        }
    }

    /// Arms of several teachers first: theirs is the largest feature cache, which the others read.
    private var startOrder: [LabArm] {
        settings.arms.filter { $0.role == .several } + settings.arms.filter { $0.role != .several }
    }

    func job(_ name: String) -> LabJob? { jobs.first { $0.name == name } }

    private static func student(_ arm: LabArm, _ seed: Int) -> String {
        switch arm.start {
        case .random: "starts/\(arm.name)-s\(seed).safetensors"
        case .distill: "starts/\(arm.name)-s\(seed)/student.safetensors"
        case .pretrain: "starts/\(arm.name)-s\(seed)/teacher.safetensors"
        }
    }

    private func start(of arm: LabArm, _ seed: Int) -> LabJob {
        let folder = "starts/\(arm.name)-s\(seed)"
        let ending = ["--seed", "\(seed)", "--threads", "1"] + arm.overrides
        let filler = startOrder.first { $0.start == .distill }
        return switch arm.start {
        case .random:
            LabJob(
                name: "\(arm.name)-s\(seed)-start",
                arguments: [
                    "model", "draw", folder + ".safetensors", "--student-of", arm.recipe, "--seed", "\(seed)",
                ], after: [Self.scenes], output: folder + ".safetensors", isResumable: false, coreSeconds: 1)
        case .distill:
            LabJob(
                name: "\(arm.name)-s\(seed)-start",
                arguments: [
                    "distill", "--recipe", arm.recipe, "--data", "scenes", "--feature-cache", "features/s\(seed)",
                    "--out", folder,
                ] + ending,
                after: [filler.map { $0.name == arm.name ? Self.scenes : "\($0.name)-s\(seed)-start" } ?? Self.scenes],
                output: folder, isResumable: true, coreSeconds: arm.coreSeconds)
        case .pretrain:
            LabJob(
                name: "\(arm.name)-s\(seed)-start",
                arguments: [
                    "pretrain", arm.method?.rawValue ?? "", "--recipe", arm.recipe, "--data", "scenes", "--out", folder,
                ] + ending,
                after: [Self.scenes], output: folder, isResumable: true, coreSeconds: arm.coreSeconds)
        }
    }

    private mutating func add(_ stage: LabStage, _ arm: LabArm, _ seed: Int) {
        let name = "\(arm.name)-s\(seed)-\(stage.name)"
        let common = ["--seed", "\(seed)", "--threads", "1"]
        var checkpoint = Self.student(arm, seed)
        var after = "\(arm.name)-s\(seed)-start"
        if let task = stage.trains {
            after = name + "-train"
            let list = task == .classify ? [] : ["--image-list", LabelledLists.file(task)]
            jobs.append(
                LabJob(
                    name: after,
                    arguments: [
                        "train", task.rawValue, "--recipe", stage.recipe, "--data", "scenes", "--checkpoint",
                        checkpoint,
                    ] + list + ["--out", "runs/\(after)"] + common + stage.overrides + ["+arm=\(arm.name)"],
                    after: ["\(arm.name)-s\(seed)-start"], output: "runs/\(after)", isResumable: true,
                    coreSeconds: stage.coreSeconds))
            checkpoint = "runs/\(after)/checkpoint.safetensors"
        }
        jobs.append(
            LabJob(
                name: name,
                arguments: [
                    "eval", stage.evaluates.rawValue, "--checkpoint", checkpoint, "--data", "scenes", "--arm",
                    arm.name, "--out", "runs/\(name)", "--json",
                ] + common + stage.arguments,
                after: [after], output: "runs/\(name)", isResumable: false,
                coreSeconds: stage.trains == nil ? stage.coreSeconds : stage.evaluationCoreSeconds))
        for (column, metric) in stage.metrics {
            cells.append(LabCell(arm: arm, seed: seed, column: column, metric: metric, job: name))
        }
    }
}
