import Distillation
import NeuralLayers
import SafeFiles
import VisionBackbones

/// Where the pictures that student and teachers see come from.
public enum DistillationViews: String, Sendable, CaseIterable {
    /// A fixed set of views and their mirror images: teacher tokens are computed once and kept.
    case cached
    /// A fresh random crop each time, the same for student and teachers.
    case random
}

/// The way the teachers' losses are joined, as recipes name it.
public enum FusionName: String, Sendable, CaseIterable {
    case consensus, dropping, mean, single
}

/// Everything that decides a distillation run, teachers and data aside.
public struct DistillationSettings: PartedBatch, Sendable {
    public var student: ViTConfiguration
    public var fusion = FusionName.consensus
    /// Of the consensus gate.
    public var gateTemperature = 0.2
    public var agreement = Agreement.tokenSimilarity
    /// Of a single teacher; the first where none is named.
    public var singleTeacher: String?
    /// Of teacher dropping.
    public var dropProbability = 0.5
    public var targets = DistillationTargets()
    public var adapter = AdapterKind.linear
    public var masking: MaskedStudent?
    public var relation: RelationTarget?
    public var views = DistillationViews.cached
    /// Of cached views that are kept in a folder.
    public var featureStorage = FeatureStorage.bf16
    public var viewScale = 0.4...1.0
    /// Cached views: this many fixed crops of each picture; `nil` is the whole picture at the student's size.
    public var crops: (count: Int, framing: ViewFraming)?
    public var steps = 400
    public var warmupSteps = 40
    public var batchSize = 32
    public var optimizer = OptimizerSettings.adamw(betas: [0.9, 0.95])
    public var learningRate = 1e-3
    public var weightDecay = 0.05
    public var clipNorm: Double? = 3
    /// Of the student's and the adapters' training steps.
    public var precision = ProductPrecision.f32
    /// Blocks of the student of which a step keeps only the input.
    public var checkpointedBlocks = 0
    /// Pictures that a step takes at a time; nil takes the whole batch.
    public var microBatch: Int?
    /// Of the moving average of the student's weights; nil keeps the last ones alone.
    public var averageDecay: Double?
    /// Pictures used; `nil` for all.
    public var limit: Int?
    public var seed: UInt64 = 0
    public var snapshots = SnapshotPlan()

    public init(student: ViTConfiguration) { self.student = student }

    /// Side of what student and teachers are shown, in pixels.
    var viewSide: Int { (views == .cached ? crops?.framing.size : nil) ?? student.imageSize }

    /// The student with its paths to these teachers.
    func model(of network: VisionTransformer, teachers: [Teacher]) -> DistillationModel<VisionTransformer> {
        DistillationModel(
            student: network,
            teachers: teachers.map {
                TeacherSpecification(
                    name: $0.name, width: $0.width, headCount: $0.backbone.headCount, clsLoss: targets.loss,
                    patchLoss: targets.loss)
            },
            options(teachers.map(\.name)), seed: seed)
    }

    func optimizer(of model: some Layer) -> any Optimizer {
        optimizer.make(ParameterGroup.decayed(model.stateEntries(), weightDecay: weightDecay))
    }

    /// What a model with these teachers is asked for.
    func options(_ teachers: [String]) -> DistillationOptions {
        var options = DistillationOptions(fusion: resolvedFusion(teachers))
        options.tokens = targets.tokens
        options.standardization = targets.standardization
        options.adapter = adapter
        options.masking = masking?.masking(of: student, seed: seed)
        options.hiddenPatches = targets.hidden
        options.relation = relation
        return options
    }

    /// The teachers whose tokens the fusion needs.
    func asked(among listed: [TeacherEntry]) -> [TeacherEntry] {
        guard case .single(let name) = resolvedFusion(listed.map(\.name)) else { return listed }
        return listed.filter { $0.name == name }
    }

    /// The fusion of an arm with these teachers; one teacher alone is always `single`.
    func resolvedFusion(_ teachers: [String]) -> Fusion {
        if teachers.count == 1 { return .single(teachers[0]) }
        switch fusion {
        case .single: return .single(singleTeacher.flatMap { teachers.contains($0) ? $0 : nil } ?? teachers[0])
        case .mean: return .mean
        case .dropping: return .dropping(probability: dropProbability)
        case .consensus: return .consensus(temperature: gateTemperature, agreement: agreement)
        }
    }
}

extension DistillationSettings {
    /// Reads a recipe of kind `distill`; every key of it must be known.
    ///
    /// - Returns: the settings, and the teachers.
    static func read(
        _ recipe: Recipe, seed: UInt64
    ) throws(DataError) -> (DistillationSettings, [TeacherEntry]) {
        let reader = recipe.reader()
        let header = try RecipeHeader(reader)
        guard header.kind == .distill else {
            throw reader.refused("kind", expected: "distill", found: header.kind.rawValue, "name a distillation recipe")
        }
        var settings = DistillationSettings(student: try ViTConfiguration(try reader.map("student")))
        settings.seed = seed
        let teachers = try reader.maps("teachers").map { map throws(DataError) in try TeacherEntry(map) }
        guard !teachers.isEmpty, Set(teachers.map(\.name)).count == teachers.count else {
            throw reader.refused(
                "teachers", expected: "one or more teachers with different names", found: "\(teachers.map(\.name))",
                "list each as '- {name: mae, checkpoint: FILE}'")
        }
        try settings.read(fusion: try reader.map("fusion"), targets: try reader.map("targets"))
        if let name = settings.singleTeacher, !teachers.contains(where: { $0.name == name }) {
            throw reader.refused(
                "fusion.teacher", expected: "one of \(teachers.map(\.name))", found: name, "name a listed teacher")
        }
        settings.adapter = try AdapterKind(try reader.optionalMap("adapter"))
        settings.masking = try reader.optionalMap("masking").map { map throws(DataError) in try MaskedStudent(map) }
        settings.relation = try reader.optionalMap("relation").map { map throws(DataError) in
            try RelationTarget(map)
        }
        try settings.assertComposable(reader)
        try settings.read(training: try reader.map("training"), views: try reader.map("views"))
        if settings.relation != nil && settings.views == .cached {
            throw reader.refused(
                "views.kind", expected: "random beside a relation", found: "cached",
                "the cache holds tokens, not queries, keys and values")
        }
        try reader.assertAllKeysRead()
        return (settings, teachers)
    }

    mutating func read(fusion reader: RecipeReader, targets: RecipeReader) throws(DataError) {
        fusion = try reader.choice("kind")
        if fusion == .consensus {
            gateTemperature = try reader.double("temperature", in: 1e-3...100)
            agreement = try reader.choice("agreement", default: .tokenSimilarity)
        }
        if fusion == .single { singleTeacher = try reader.optional("teacher") }
        if fusion == .dropping { dropProbability = try reader.double("probability", in: 0...1, default: 0.5) }
        self.targets = try DistillationTargets(targets)
    }

    mutating func read(training: RecipeReader, views reader: RecipeReader) throws(DataError) {
        steps = try training.int("steps", in: 1...100_000_000)
        warmupSteps = try training.int("warmup_steps", in: 0...100_000_000)
        batchSize = try training.int("batch", in: 1...65_536)
        optimizer = try OptimizerSettings(training, default: optimizer)
        learningRate = try training.double("learning_rate", in: 0...10)
        weightDecay = try training.double("weight_decay", in: 0...10)
        clipNorm = try training.optional("clip_norm")
        precision = try training.choice("precision", default: precision)
        checkpointedBlocks = try training.int("checkpoint_blocks", in: 0...1000, default: checkpointedBlocks)
        microBatch = try training.microBatch(of: batchSize)
        averageDecay = try training.averageDecay()
        snapshots = try SnapshotPlan(training)
        views = try reader.choice("kind")
        if views == .cached { featureStorage = try reader.choice("storage", default: featureStorage) }
        if reader.has("limit") { limit = try reader.int("limit", in: 1...100_000_000) }
        if views == .random { viewScale = try reader.shares("scale") }
        if views == .cached, let map = try reader.optionalMap("crops") {
            crops = (
                try map.int("count", in: 1...1000),
                ViewFraming(size: try map.int("size", in: 1...4096), scale: try map.shares("scale"))
            )
        }
        guard viewSide % student.patchSize == 0 else {
            throw reader.refused(
                "crops", expected: "a size that the patch of \(student.patchSize) divides", found: "\(viewSide)",
                "change the crop's size")
        }
    }
}
