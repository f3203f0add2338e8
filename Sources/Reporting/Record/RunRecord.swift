/// What was measured, on what, how: complete, or it is no record.
///
/// The only way to a record is `init(_:)`, which refuses drafts with a hole. The parts that differ between equal runs
/// (times, machine, command line) can be left out of the JSON text, and then equal runs give equal bytes.
public struct RunRecord: Sendable, Equatable {
    /// The version of the JSON form.
    public static let schemaVersion = 1

    /// The fields of a record while it is put together.
    public struct Draft: Sendable, Equatable {
        /// The task's name in the catalogue: "semseg.ade20k.linear".
        public var task = ""
        /// Raised whenever the task's numbers may change.
        public var taskVersion = 0
        public var toolVersion = ""
        public var commandLine: [String] = []
        public var model = ""
        /// The row of a paper table that this run belongs to: "dmt", "mae", "scratch".
        public var arm = ""
        /// `nil` for predictions scored from files.
        public var checkpoint: FileDigest?
        public var dataset = DatasetSummary(
            name: "", split: "", contentHash: "", listedImages: 0, scoredImages: 0, classCount: 0)
        public var settings: [ResolvedSetting] = []
        public var seed: UInt64 = 0
        /// How the reported checkpoint or epoch was chosen: "last epoch".
        public var selectionRule = ""
        public var protocolFingerprint = ProtocolFingerprint()
        public var metrics: [MetricValue] = []
        public var classTable: ClassTable?
        public var warnings: [RunWarning] = []
        public var timings: [PhaseTiming] = []
        /// What the evaluated networks cost; empty where no network ran.
        public var efficiency: [NetworkCost] = []
        public var environment: [EnvironmentFact] = []

        public init() {}
    }

    /// The complete fields.
    public let fields: Draft

    /// - Throws: `IncompleteRecord` listing every hole at once.
    public init(_ draft: Draft) throws(IncompleteRecord) {
        let holes = Self.holes(in: draft)
        guard holes.isEmpty else { throw IncompleteRecord(task: draft.task, holes: holes) }
        fields = draft
    }

    /// The metric of that name.
    public func metric(_ name: String) -> MetricValue? { fields.metrics.first { $0.name == name } }

    static func holes(in draft: Draft) -> [String] {
        var holes: [String] = []
        func need(_ condition: Bool, _ hole: @autoclosure () -> String) {
            if !condition { holes.append(hole()) }
        }
        need(!draft.task.isEmpty, "task is empty")
        need(draft.taskVersion >= 1, "task_version is not set")
        need(!draft.toolVersion.isEmpty, "tool_version is empty")
        need(!draft.commandLine.isEmpty, "command_line is empty")
        need(!draft.model.isEmpty, "model is empty")
        need(!draft.arm.isEmpty, "arm is empty")
        if let checkpoint = draft.checkpoint {
            need(FileDigest.isDigest(checkpoint.sha256), "checkpoint.sha256 is not 64 hexadecimal digits")
        }
        holes += datasetHoles(draft)
        need(!draft.settings.isEmpty, "settings is empty")
        need(!draft.selectionRule.isEmpty, "selection_rule is empty")
        need(!draft.protocolFingerprint.entries.isEmpty, "protocol is empty")
        need(!draft.timings.isEmpty, "timings is empty")
        need(draft.timings.allSatisfy { $0.seconds.isFinite && $0.seconds >= 0 }, "a timing is not a duration")
        need(!draft.environment.isEmpty, "environment is empty")
        holes += metricHoles(draft.metrics)
        if let table = draft.classTable {
            for row in table.rows where row.values.count != table.columns.count {
                holes.append("class table row '\(row.name)' has \(row.values.count) of \(table.columns.count) values")
            }
            need(
                table.rows.allSatisfy { $0.values.allSatisfy { $0?.isFinite ?? true } },
                "the class table holds a number that is not finite")
        }
        return holes
    }

    private static func datasetHoles(_ draft: Draft) -> [String] {
        let dataset = draft.dataset
        var holes: [String] = []
        if dataset.name.isEmpty { holes.append("dataset.name is empty") }
        if dataset.split.isEmpty { holes.append("dataset.split is empty") }
        if !FileDigest.isDigest(dataset.contentHash) {
            holes.append("dataset.content_hash is not 64 hexadecimal digits")
        }
        if dataset.scoredImages < 1 || dataset.scoredImages > dataset.listedImages {
            holes.append("dataset: \(dataset.scoredImages) of \(dataset.listedImages) images scored")
        } else if dataset.scoredImages < dataset.listedImages, draft.protocolFingerprint["image list"] == nil {
            holes.append("dataset: \(dataset.coverage) scored and the protocol names no 'image list'")
        }
        return holes
    }

    private static func metricHoles(_ metrics: [MetricValue]) -> [String] {
        var holes: [String] = []
        if metrics.isEmpty { holes.append("metrics is empty") }
        var seen: Set<String> = []
        for metric in metrics {
            if !seen.insert(metric.name).inserted { holes.append("metric '\(metric.name)' occurs twice") }
            if let value = metric.value {
                if !value.isFinite { holes.append("metric '\(metric.name)' is not finite") }
            } else if metric.reason?.isEmpty ?? true {
                holes.append("metric '\(metric.name)' is undefined and gives no reason")
            }
            if metric.standardError != nil, metric.errorMethod == nil {
                holes.append("metric '\(metric.name)' has an error and no method")
            }
        }
        return holes
    }
}

/// A draft that may not become a record.
public struct IncompleteRecord: Error, CustomStringConvertible, Sendable, Equatable {
    public var task: String
    public var holes: [String]

    public var description: String {
        "run record of '\(task)': expected every field, found \(holes.count) hole(s): "
            + holes.joined(separator: "; ") + "."
    }
}
