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
                    "data", "scenes", "--train", "\(settings.scenes.train)", "--val", "\(settings.scenes.validation)",
                    "--size", "\(settings.scenes.size)", "--seed", "\(settings.sceneSeed)", "--out", "scenes",
                ], after: [], output: "scenes", isResumable: false, coreSeconds: 10))
        // A seed's starts first: the figures of every arm then grow together, seed by seed.
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

    private static func startName(_ arm: LabArm, _ seed: Int) -> String { "\(arm.name)-s\(seed)-start" }

    private static func startFolder(_ arm: LabArm, _ seed: Int) -> String { "starts/\(arm.name)-s\(seed)" }

    private static func student(_ arm: LabArm, _ seed: Int) -> String {
        let ending =
            switch arm.start {
            case .random: ".safetensors"
            case .distill: "/student.safetensors"
            case .pretrain: "/teacher.safetensors"
            }
        return startFolder(arm, seed) + ending
    }

    private func start(of arm: LabArm, _ seed: Int) -> LabJob {
        let folder = Self.startFolder(arm, seed)
        let ending = ["--out", folder, "--seed", "\(seed)", "--threads", "1"] + arm.overrides
        var job = LabJob(
            name: Self.startName(arm, seed), arguments: [], after: [Self.scenes], output: folder, isResumable: true,
            coreSeconds: arm.coreSeconds)
        switch arm.start {
        case .random:
            job.output = Self.student(arm, seed)
            job.arguments = ["model", "draw", job.output, "--student-of", arm.recipe, "--seed", "\(seed)"]
            (job.isResumable, job.coreSeconds) = (false, 1)
        case .distill:
            job.arguments =
                [
                    "distill", "--recipe", arm.recipe, "--data", "scenes", "--feature-cache", "features/s\(seed)",
                ] + ending
            if let filler = startOrder.first(where: { $0.start == .distill }), filler.name != arm.name {
                job.after = [Self.startName(filler, seed)]
            }
        case .pretrain(let method):
            job.arguments = ["pretrain", method.rawValue, "--recipe", arm.recipe, "--data", "scenes"] + ending
        }
        return job
    }

    private mutating func add(_ stage: LabStage, _ arm: LabArm, _ seed: Int) {
        let name = "\(arm.name)-s\(seed)-\(stage.name)"
        let common = ["--seed", "\(seed)", "--threads", "1"]
        var checkpoint = Self.student(arm, seed)
        var after = Self.startName(arm, seed)
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
                    after: [Self.startName(arm, seed)], output: "runs/\(after)", isResumable: true,
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
