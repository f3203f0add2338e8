import JSONText
import Reporting
import SafeFiles

/// What a metric may do before the gate closes.
struct GateRule: Sendable, Equatable {
    /// The most it may lose against the baseline, in its own unit.
    var maxDrop: Double?
    /// The same as a share of the baseline's value.
    var maxRelativeDrop: Double?
    /// A loss counts only where the interval of the difference leaves zero out.
    var needsEvidence = false
    /// Bounds on the value itself, whatever the baseline.
    var floor: Double?
    var ceiling: Double?
    /// Shown, never a failure.
    var isInformational = false

    static let informational = GateRule(isInformational: true)

    /// Whether the rule looks at the baseline.
    var comparesWithBaseline: Bool { maxDrop != nil || maxRelativeDrop != nil || needsEvidence }

    /// As the file has it: "max_drop 0.01, evident".
    var words: String {
        if isInformational { return "informational" }
        let parts = [
            maxDrop.map { "max_drop \(NumberText.exact($0))" },
            maxRelativeDrop.map { "max_relative_drop \(NumberText.exact($0))" }, needsEvidence ? "evident" : nil,
            floor.map { "floor \(NumberText.exact($0))" }, ceiling.map { "ceiling \(NumberText.exact($0))" },
        ]
        return parts.compactMap(\.self).joined(separator: ", ")
    }

    init(
        maxDrop: Double? = nil, maxRelativeDrop: Double? = nil, needsEvidence: Bool = false, floor: Double? = nil,
        ceiling: Double? = nil, isInformational: Bool = false
    ) {
        self.maxDrop = maxDrop
        self.maxRelativeDrop = maxRelativeDrop
        self.needsEvidence = needsEvidence
        self.floor = floor
        self.ceiling = ceiling
        self.isInformational = isInformational
    }

    /// - Throws: `.configuration` for a rule that asks for nothing, or for nothing and something.
    init(_ reader: RecipeReader, key: String, of parent: RecipeReader) throws(DataError) {
        func number(_ key: String, from lowest: Double) throws(DataError) -> Double? {
            reader.has(key) ? try reader.double(key, in: lowest...1e12) : nil
        }
        self.init(
            maxDrop: try number("max_drop", from: 0), maxRelativeDrop: try number("max_relative_drop", from: 0),
            needsEvidence: try reader.value("evident", default: false), floor: try number("floor", from: -1e12),
            ceiling: try number("ceiling", from: -1e12),
            isInformational: try reader.value("informational", default: false))
        let asks = comparesWithBaseline || floor != nil || ceiling != nil
        guard asks != isInformational || !reader.keys.allSatisfy(Self.keys.contains) else {
            throw parent.refused(
                key, expected: "limits, or informational: true",
                found: asks ? "both" : "neither", "write for instance {max_drop: 0.01, evident: true}")
        }
    }

    private static let keys: Set = ["max_drop", "max_relative_drop", "evident", "floor", "ceiling", "informational"]
}

/// A gate's file: which record and evidence are the baseline, and one rule a metric.
///
///     kind: gate
///     record: segment.run.json                 # beside this file
///     evidence: segment.evidence.safetensors   # optional: without it differences are not paired
///     metrics:
///       mIoU: {max_drop: 0.01, evident: true}
///       "mIoU_*": {informational: true}
///     default: {max_relative_drop: 0.05, evident: true}
struct GateRules: Sendable {
    let file: String
    /// Names, relative to the file's folder.
    let recordName: String
    let evidenceName: String?
    /// In file order; `*` stands for any text.
    let rules: [(pattern: String, rule: GateRule)]
    /// Of metrics that no pattern names; nil: they are informational.
    let fallback: GateRule?

    /// - Throws: `.missing` for no file; `.configuration` for everything wrong inside, with the line.
    init(file: String) throws(DataError) {
        let reader = try Recipe.load(file: file).reader()
        let kind: String = try reader.value("kind")
        guard kind == "gate" else {
            throw reader.refused("kind", expected: "gate", found: "'\(kind)'", "give a gate's rules")
        }
        self.file = file
        recordName = try Self.name("record", reader) ?? ""
        guard !recordName.isEmpty else {
            throw reader.refused("record", expected: "the baseline's record", found: "nothing", "add 'record: NAME'")
        }
        evidenceName = try Self.name("evidence", reader)
        var rules: [(pattern: String, rule: GateRule)] = []
        if let metrics = try reader.optionalMap("metrics") {
            for pattern in metrics.keys {
                rules.append((pattern, try GateRule(try metrics.map(pattern), key: pattern, of: metrics)))
            }
        }
        self.rules = rules
        fallback = try reader.optionalMap("default").map { (map) throws(DataError) in
            try GateRule(map, key: "default", of: reader)
        }
        try reader.assertAllKeysRead()
        guard !rules.isEmpty || fallback != nil else {
            throw reader.refused("metrics", expected: "a rule", found: "none", "name a metric, or add 'default:'")
        }
    }

    /// A file name beside the rules: it must not lead elsewhere.
    private static func name(_ key: String, _ reader: RecipeReader) throws(DataError) -> String? {
        guard let name: String = try reader.optional(key) else { return nil }
        if let fault = RootedPath.fault(in: name) {
            throw reader.refused(key, expected: "the name of a file beside this one", found: fault, "mend the name")
        }
        return name
    }

    private var folder: String { Folder.parent(of: file) }
    var recordPath: String { "\(folder)/\(recordName)" }
    var evidencePath: String? { evidenceName.map { "\(folder)/\($0)" } }

    /// The rule of a metric: its own, else the first pattern that fits, else the default, else informational.
    func rule(for metric: String) -> GateRule {
        (rules.first { $0.pattern == metric } ?? rules.first { Self.fits(metric, $0.pattern) })?.rule ?? fallback
            ?? .informational
    }

    /// Patterns that name none of these metrics: a gate that looks at nothing must not pass.
    func idlePatterns(among metrics: [String]) -> [String] {
        rules.map(\.pattern).filter { pattern in !metrics.contains { Self.fits($0, pattern) } }
    }

    /// Whether a text has the form of a pattern; `*` stands for any text, also none.
    static func fits(_ text: String, _ pattern: String) -> Bool {
        let parts = pattern.split(separator: "*", omittingEmptySubsequences: false).map { Array($0.unicodeScalars) }
        guard parts.count > 1 else { return text == pattern }
        var rest = Array(text.unicodeScalars)[...]
        guard rest.starts(with: parts[0]) else { return false }
        rest = rest.dropFirst(parts[0].count)
        for part in parts.dropFirst().dropLast() where !part.isEmpty {
            guard let place = rest.indices.first(where: { rest[$0...].starts(with: part) }) else { return false }
            rest = rest[(place + part.count)...]
        }
        let last = parts[parts.count - 1]
        return rest.count >= last.count && Array(rest.suffix(last.count)) == last
    }
}
