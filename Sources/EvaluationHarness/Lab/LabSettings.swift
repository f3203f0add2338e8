import SafeFiles

/// How a student of the lab begins, before any head sees a label.
enum LabStart: Equatable, Sendable {
    /// Random values.
    case random
    /// `dmt distill`.
    case distill
    /// `dmt pretrain`: a student that teaches itself.
    case pretrain(PretrainingMethod)
}

/// What an arm is there for; several-teacher arms are compared with all others.
enum LabRole: String, CaseIterable, Sendable {
    case control, single, several
}

/// One arm of the lab: one student a seed.
struct LabArm: Sendable {
    var name: String
    var title: String
    var role: LabRole
    var start: LabStart
    /// Of random values: the recipe whose student is drawn.
    var recipe: String
    var overrides: [String]
    /// Core-seconds of its start, measured; 0 where nothing was.
    var coreSeconds: Double
}

/// What happens to every student: perhaps a head's training, then an evaluation whose metrics become columns.
struct LabStage: Sendable {
    var name: String
    /// The task that a head is trained for; nil for frozen probes.
    var trains: HeadTask?
    var recipe: String
    var overrides: [String]
    var evaluates: EvaluationTask
    /// More arguments of `dmt eval`.
    var arguments: [String]
    /// Column and the metric's name in the record.
    var metrics: [(column: String, metric: String)]
    /// Core-seconds of the head's training, or of the probe.
    var coreSeconds: Double
    /// Core-seconds of the evaluation after a training.
    var evaluationCoreSeconds: Double
}

/// Everything that decides a lab, read from its recipe.
struct LabSettings: Sendable {
    var seeds: [Int]
    var scenes: SceneSettings
    var sceneSeed: Int
    /// The checkpoints whose frozen figures stand in the report.
    var teachers: [String]
    var arms: [LabArm]
    var stages: [LabStage]

    init(_ recipe: Recipe) throws(DataError) {
        let reader = recipe.reader()
        let header = try RecipeHeader(reader)
        guard header.kind == .lab else {
            throw reader.refused("kind", expected: "lab", found: header.kind.rawValue, "name a lab recipe")
        }
        seeds = try reader.value("seeds")
        guard !seeds.isEmpty, Set(seeds).count == seeds.count, seeds.allSatisfy({ $0 >= 0 }) else {
            throw reader.refused("seeds", expected: "different seeds from 0", found: "\(seeds)", "list each seed once")
        }
        let map = try reader.map("scenes")
        scenes = try SceneSettings(map)
        sceneSeed = try map.int("seed", in: 0...Int(Int32.max), default: 0)
        teachers = try reader.value("teachers", default: [String]())
        let shared = try reader.map("distill")
        let (distillRecipe, distillOverrides): (String, [String]) = (
            try shared.value("recipe"), try shared.value("overrides", default: [])
        )
        arms = try reader.maps("arms").map { map throws(DataError) in
            try LabArm(map, distillRecipe: distillRecipe, distillOverrides: distillOverrides)
        }
        stages = try reader.maps("stages").map { map throws(DataError) in try LabStage(map) }
        guard !arms.isEmpty, Set(arms.map(\.name)).count == arms.count else {
            throw reader.refused(
                "arms", expected: "one or more arms with different names", found: "\(arms.map(\.name))",
                "list each as '- {name: dmt, role: several, start: distill}'")
        }
        let columns = stages.flatMap { $0.metrics.map(\.column) }
        guard !stages.isEmpty, Set(stages.map(\.name)).count == stages.count, Set(columns).count == columns.count else {
            throw reader.refused(
                "stages", expected: "one or more stages, names and metrics all different",
                found: "\(stages.map(\.name)), \(columns)", "name each once")
        }
        try reader.assertAllKeysRead()
    }
}

extension LabSettings {
    /// Reads every recipe that a job will read, with its overrides, so that a misspelled one is found before the first job.
    func checkRecipes() throws(DataError) {
        let library = try RecipeLibrary.shipped()
        for arm in arms { _ = try library.load(arm.recipe, overrides: arm.overrides) }
        for stage in stages where stage.trains != nil {
            _ = try library.load(stage.recipe, overrides: stage.overrides)
        }
    }
}

extension LabArm {
    private enum Start: String, CaseIterable { case random, distill, pretrain }

    init(_ reader: RecipeReader, distillRecipe: String, distillOverrides: [String]) throws(DataError) {
        name = try reader.value("name")
        title = try reader.value("title", default: name)
        role = try reader.choice("role")
        let own: [String] = try reader.value("overrides", default: [])
        switch try reader.choice("start", as: Start.self) {
        case .random: (start, recipe, overrides) = (.random, distillRecipe, [])
        case .distill: (start, recipe, overrides) = (.distill, distillRecipe, distillOverrides + own)
        case .pretrain:
            let method: PretrainingMethod = try reader.choice("method")
            start = .pretrain(method)
            recipe = try reader.value("recipe", default: "teacher-\(method.rawValue)")
            overrides = own
        }
        coreSeconds = try reader.double("core_seconds", in: 0...1e9, default: 0)
        guard RunFolder.slug(name) == name else {
            throw reader.refused(
                "name", expected: "lower-case letters, digits, '.' and '_'", found: "'\(name)'", "choose another name")
        }
    }
}

extension LabStage {
    init(_ reader: RecipeReader) throws(DataError) {
        name = try reader.value("name")
        trains = reader.has("train") ? try reader.choice("train", as: HeadTask.self) : nil
        recipe = trains == nil ? "" : try reader.value("recipe")
        overrides = trains == nil ? [] : try reader.value("overrides", default: [])
        evaluates = try reader.choice("eval")
        arguments = try reader.value("arguments", default: [])
        let map = try reader.map("metrics")
        metrics = try map.keys.map { column throws(DataError) in (column, try map.value(column)) }
        coreSeconds = try reader.double("core_seconds", in: 0...1e9, default: 0)
        evaluationCoreSeconds = trains == nil ? 0 : try reader.double("eval_core_seconds", in: 0...1e9, default: 0)
        guard RunFolder.slug(name) == name, !metrics.isEmpty else {
            throw reader.refused(
                "name", expected: "a name of lower-case letters, and metrics", found: "'\(name)'", "correct the stage")
        }
    }
}
