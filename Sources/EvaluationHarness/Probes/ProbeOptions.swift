import SafeFiles

/// What a user may say about a probe; everything has the protocol's own value unless given.
public struct ProbeOptions: Sendable, Equatable {
    /// One of the task's protocols; its first unless given.
    public var protocolName: String?
    /// Numbers of neighbours; of several, the best on held-out training pictures is taken.
    public var neighbours: [Int] = []
    public var temperature: Double?
    /// Learning rates; of several, the best on held-out training pictures is taken.
    public var rates: [Double] = []
    public var steps: Int?
    public var epochs: Int?
    public var batchSize: Int?
    /// Patches that dense retrieval keeps; all unless given.
    public var memory: Int?
    /// Random crops a training picture; 0 shows each once, as for the test.
    public var views = 0
    /// Blocks, counted from 1, whose patch tokens are read and joined; the protocol's own unless given.
    public var layers: [Int] = []
    /// What stands for a picture; the protocol's own unless given.
    public var feature: PictureFeature?
    /// A folder where features are kept and found again.
    public var featureFolder: String?
    /// Share of the training pictures that settings are chosen on.
    public var heldOutShare = 0.1

    public init() {}

    /// - Throws: `.configuration` for values that no probe can use, or that the task has no use for.
    func check(_ task: EvaluationTask) throws(DataError) {
        func refuse(_ record: String, _ expected: String, _ found: String) -> DataError {
            DataError(
                .configuration, file: "options", record: record, expected: expected, found: found,
                remedy: "see dmt eval --help")
        }
        guard [.knn, .linear, .denseKNN].contains(task) else {
            guard self == ProbeOptions() else {
                throw refuse("probe", "no options of probes for \(task.rawValue)", "some")
            }
            return
        }
        let kind = try ProbeProtocol.named(protocolName, of: task)
        guard neighbours.allSatisfy({ (1...1000).contains($0) }) else {
            throw refuse("k", "1 to 1000 neighbours", "\(neighbours)")
        }
        guard (temperature ?? 1) > 0, rates.allSatisfy({ $0 > 0 && $0 < 1e6 }) else {
            throw refuse("rates, temperature", "positive numbers", "\(rates), \(temperature ?? 1)")
        }
        guard (steps ?? 1) >= 1, (epochs ?? 1) >= 1, (batchSize ?? 1) >= 1, (memory ?? 1) >= 1, views >= 0 else {
            throw refuse("steps, epochs, batch, memory, views", "counts from 1", "a smaller one")
        }
        guard heldOutShare > 0, heldOutShare <= 0.5 else {
            throw refuse("held-out", "a share above 0, at most 0.5", "\(heldOutShare)")
        }
        guard layers.allSatisfy({ $0 >= 1 }), layers == Set(layers).sorted() else {
            throw refuse("layers", "blocks from 1 in ascending order, each once", "\(layers)")
        }
        for (name, isGiven) in given where isGiven && !kind.uses.contains(name) {
            throw refuse(name, "an option of the protocol \(kind.rawValue): \(kind.uses.joined(separator: ", "))", name)
        }
    }

    private var given: [(String, Bool)] {
        [
            ("k", !neighbours.isEmpty), ("temperature", temperature != nil), ("rates", !rates.isEmpty),
            ("steps", steps != nil), ("epochs", epochs != nil), ("batch", batchSize != nil),
            ("memory", memory != nil), ("feature", feature != nil), ("layers", !layers.isEmpty),
        ]
    }

    /// The options given, for run folders and records.
    var settings: [(String, String)] {
        var pairs = [("protocol", protocolName ?? "the default"), ("views", "\(views)")]
        if !neighbours.isEmpty { pairs.append(("k", neighbours.map(String.init).joined(separator: ","))) }
        if let temperature { pairs.append(("temperature", "\(temperature)")) }
        if !rates.isEmpty { pairs.append(("rates", rates.map { "\($0)" }.joined(separator: ","))) }
        if let steps { pairs.append(("steps", "\(steps)")) }
        if let epochs { pairs.append(("epochs", "\(epochs)")) }
        if let batchSize { pairs.append(("batch", "\(batchSize)")) }
        if let memory { pairs.append(("memory", "\(memory)")) }
        if !layers.isEmpty { pairs.append(("layers", layers.map(String.init).joined(separator: ","))) }
        if let feature { pairs.append(("feature", feature.rawValue)) }
        return pairs + [("held_out", "\(heldOutShare)")]
    }
}

/// What stands for a picture in classification.
public enum PictureFeature: String, Sendable, CaseIterable {
    case classToken = "class-token"
    case meanToken = "mean-token"
    /// Class token and mean patch token of the last block, side by side.
    case concatenated
    /// The class tokens of the last four blocks.
    case fourClassTokens = "class-token-4"

    func request(depth: Int) -> FeatureRequest {
        let last = [depth - 1]
        return switch self {
        case .classToken: FeatureRequest(blocks: last, pooling: .classToken)
        case .meanToken: FeatureRequest(blocks: last, pooling: .meanToken)
        case .concatenated: FeatureRequest(blocks: last, pooling: .classAndMean)
        case .fourClassTokens:
            FeatureRequest(blocks: Array(max(0, depth - 4)..<depth), pooling: .classToken)
        }
    }
}
