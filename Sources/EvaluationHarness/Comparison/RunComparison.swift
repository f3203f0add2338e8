import Reporting
import SafeFiles

/// `dmt compare`: runs against the first of them, metric by metric, class by class, image by image.
public struct RunComparison: Sendable {
    public struct Options: Sendable {
        /// Draws of the bootstrap over images.
        public var draws = 1000
        public var seed: UInt64 = 0
        /// Compares runs of different protocols, data or tasks, and marks every table.
        public var allowsDifferentProtocols = false
        /// Falls back to both standard errors where runs cannot be paired.
        public var allowsUnpaired = false
        /// Images in each of the lists of worst and best.
        public var imageCount = 5

        public init() {}
    }

    /// A metric of all runs.
    struct Row: Sendable {
        var name: String
        var direction: MetricValue.Direction
        /// In the order of the runs.
        var values: [MetricValue]
        /// To the first run, one for each of the others.
        var differences: [ComparedDifference?]
    }

    /// Images that two runs do most differently on.
    struct ImageRow: Sendable {
        var image: String
        var reference: Double
        var value: Double
        var difference: Double { value - reference }
    }

    struct Images: Sendable {
        /// The figure by which images are ranked.
        var figure: String
        /// Most lost first; none that gained.
        var worst: [ImageRow]
        /// Most gained first; none that lost.
        var best: [ImageRow]
        var gained = 0
        var lost = 0
        var equal = 0
    }

    /// One run against the first.
    struct Pair: Sendable {
        var label: String
        /// Nil where the two could not be paired, with the reason.
        var classes: [PairedEvidence.ClassColumn] = []
        var images: Images?
        var obstacle: String?
        /// What keeps the two from being compared at all; only with `allowsDifferentProtocols`.
        var protocolDifferences: [String]
    }

    let runs: [FinishedRun]
    let labels: [String]
    let options: Options
    let rows: [Row]
    let pairs: [Pair]
    /// Metrics that not all runs have.
    let left: [String]

    /// - Parameter runs: at least two; the first is the reference.
    /// - Throws: `.configuration` for runs that may not be compared, or not paired, without being told to.
    public init(_ runs: [FinishedRun], options: Options = Options()) throws(DataError) {
        guard runs.count > 1 else {
            throw DataError(
                .configuration, file: runs.first?.path ?? "runs", expected: "two runs or more", found: "\(runs.count)",
                remedy: "name another run to compare with")
        }
        self.runs = runs
        self.options = options
        labels = FinishedRun.labels(runs)
        let reference = runs[0]
        let bootstrap = Bootstrap(drawCount: options.draws, seed: options.seed)
        var pairs: [Pair] = []
        var found: [[String: ComparedDifference?]] = []
        for (run, label) in zip(runs, labels).dropFirst() {
            let differences = try Self.protocolDifferences(run, reference, options)
            var pair = Pair(label: label, protocolDifferences: differences)
            pair.obstacle = PairedEvidence.obstacle(run.evidence, reference.evidence)
            if let obstacle = pair.obstacle {
                guard options.allowsUnpaired else {
                    throw DataError(
                        .configuration, file: run.path, expected: "a run that can be paired with \(reference.path)",
                        found: obstacle,
                        remedy: "evaluate again to get evidence, or add --unpaired: wider intervals from the standard "
                            + "errors, no classes, no pictures")
                }
                found.append([:])
            } else {
                let paired = PairedEvidence(run.evidence!, minus: reference.evidence!, bootstrap)
                pair.classes = paired.classes
                pair.images = Self.images(run.evidence!, reference.evidence!, options.imageCount)
                found.append(
                    Dictionary(paired.metrics.map { ($0.name, $0.difference) }, uniquingKeysWith: { a, _ in a }))
            }
            pairs.append(pair)
        }
        self.pairs = pairs
        let common = reference.record.fields.metrics.filter { metric in
            runs.dropFirst().allSatisfy { $0.record.metric(metric.name) != nil }
        }
        rows = common.map { metric in
            let values = runs.map { $0.record.metric(metric.name)! }
            let differences = zip(values.dropFirst(), zip(pairs, found)).map { value, pair -> ComparedDifference? in
                pair.0.obstacle == nil
                    ? pair.1[metric.name] ?? nil
                    : UnpairedDifference(value, values[0]).map { ComparedDifference($0) }
            }
            // Several runs against one: as many chances to be wrong.
            return Row(name: metric.name, direction: metric.direction, values: values, differences: differences.holm())
        }
        let names = Set(common.map(\.name))
        var left: [String] = []
        for metric in runs.flatMap(\.record.fields.metrics)
        where !names.contains(metric.name) && !left.contains(metric.name) {
            left.append(metric.name)
        }
        self.left = left
        guard !rows.isEmpty else {
            throw DataError(
                .configuration, file: reference.path, expected: "a metric that all runs have", found: "none",
                remedy: "compare runs of one task")
        }
    }

    private static func protocolDifferences(
        _ run: FinishedRun, _ reference: FinishedRun, _ options: Options
    ) throws(DataError) -> [String] {
        let differences = run.record.differences(from: reference.record)
        guard differences.isEmpty || options.allowsDifferentProtocols else {
            throw DataError(
                .configuration, file: run.path, expected: "the task, data and protocol of \(reference.path)",
                found: differences.prefix(4).joined(separator: "; ")
                    + (differences.count > 4 ? "; and \(differences.count - 4) more" : ""),
                remedy: "evaluate both alike, or add --allow-different-protocols: every table is then marked")
        }
        return differences
    }

    private static func images(_ run: RunEvidence, _ reference: RunEvidence, _ count: Int) -> Images {
        let (table, other) = (run.content.imageTable(), reference.content.imageTable())
        let column = table.ranked
        var rows: [ImageRow] = []
        for (image, values) in run.images.enumerated() {
            guard let value = table.rows[image][column], let before = other.rows[image][column] else { continue }
            rows.append(ImageRow(image: values, reference: before, value: value))
        }
        var images = Images(figure: table.columns[column].name, worst: [], best: [])
        images.gained = rows.count { $0.difference > 0 }
        images.lost = rows.count { $0.difference < 0 }
        images.equal = rows.count - images.gained - images.lost
        let sorted = rows.sorted { ($0.difference, $0.image) < ($1.difference, $1.image) }
        images.worst = Array(sorted.prefix { $0.difference < 0 }.prefix(count))
        images.best = rows.filter { $0.difference > 0 }
            .sorted { (-$0.difference, $0.image) < (-$1.difference, $1.image) }.prefix(count).map { $0 }
        return images
    }
}
