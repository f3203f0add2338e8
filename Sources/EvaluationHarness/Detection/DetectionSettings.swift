import DenseData
import DenseHeads
import SafeFiles

/// Everything that decides how a detection model is trained, besides data and backbone.
public struct DetectionSettings: Sendable, Equatable {
    public var architecture = DetectionArchitecture()
    public var tuning: FineTuning
    public var views = DetectionViews.jitter(LargeScaleJitter(size: 96, factor: 0.6...1.4))
    /// Anchors sampled a picture, half of them foreground where there are enough.
    public var sampledAnchors = 64
    /// Proposals a picture that regions are sampled from; those of predictions when absent.
    public var trainingProposals: ProposalLimits?
    /// Attention within windows; nil keeps the backbone's global attention.
    public var windows: WindowedAttention?
    /// A checkpoint of torchvision's Mask R-CNN whose heads the model starts with.
    public var torchvisionWeights: String?
    /// Regions sampled a picture, a quarter of them foreground where there are enough.
    public var sampledRegions = 32

    public init() {
        tuning = FineTuning()
        tuning.batchSize = 8
        tuning.steps = 400
    }

    /// Reads the keys of a recipe; classes and category ids come from the data set.
    public init(_ reader: RecipeReader, seed: UInt64) throws(DataError) {
        self.init()
        let head = try reader.map("head")
        try architecture.read(head)
        sampledAnchors = try head.int("sampled_anchors", in: 2...65_536, default: sampledAnchors)
        sampledRegions = try head.int("sampled_regions", in: 1...65_536, default: sampledRegions)
        if head.has("training_proposals") || head.has("training_proposals_per_level") {
            trainingProposals = ProposalLimits(
                beforeSuppression: try head.int(
                    "training_proposals_per_level", in: 1...100_000, default: architecture.proposalsPerLevel),
                afterSuppression: try head.int("training_proposals", in: 1...100_000, default: architecture.proposals))
        }
        torchvisionWeights = try head.optional("torchvision_weights")
        if let map = try reader.optionalMap("windows") {
            windows = WindowedAttention(
                window: try map.int("side", in: 1...1024), globalBlocks: try map.value("global_blocks"))
        }
        let map = try reader.map("views")
        architecture.size = try map.int("size", in: 8...8192, default: architecture.size)
        views = try DetectionViews(map, size: architecture.size)
        if let test = try map.optionalMap("test") {
            architecture.testSides = (
                try test.int("short_side", in: 1...architecture.size),
                try test.int("long_side", in: 1...architecture.size)
            )
        }
        tuning = try FineTuning(reader.map("training"), seed: seed)
    }

    /// The training choices that a protocol names.
    var protocolEntries: [(String, String)] {
        tuning.protocolEntries + [
            ("head", architecture.words),
            ("detection rules", architecture.rules.rawValue),
            ("head starts from", torchvisionWeights.map { "torchvision's \(Folder.name(of: $0))" } ?? "random weights"),
            (
                "layers used",
                architecture.pyramid == .taps
                    ? (architecture.taps.isEmpty ? "blocks at equal distances" : "blocks \(architecture.taps)")
                        + ", no final norm" : "last block, no final norm"
            ),
            (
                "attention",
                windows.map { "windows of \($0.window) tokens, global in blocks \($0.globalBlocks)" } ?? "global"
            ),
            (
                "sampling",
                "\(sampledAnchors) anchors and \(sampledRegions) regions a picture of "
                    + "\(trainingProposals?.afterSuppression ?? architecture.proposals) proposals"
            ),
            ("training views", views.words),
        ]
    }
}
