import Reporting

/// A table of published numbers beside runs: what `dmt reproduce TABLE` prints. Read from YAML, see `PaperTable+Reading`.
public struct PaperTable: Sendable {
    /// Where a published number comes from.
    public enum Evidence: String, Sendable, CaseIterable {
        /// It stands in the source.
        case read = "R"
        /// Derived from what was read; the row says how.
        case inferred = "I"
    }

    public struct Column: Sendable {
        public var key: String
        public var title: String
        /// The metric's name in records.
        public var metric: String
        public var direction: MetricValue.Direction
        /// Published numbers are the records' times this.
        public var scale: Double
        /// Decimals.
        public var digits: Int
    }

    /// What a source prints: a number, or words where it gives none.
    public enum Published: Sendable, Equatable {
        case number(Double)
        case words(String)
    }

    public struct Row: Sendable {
        public var method: String
        public var model: String
        /// By the columns' keys.
        public var published: [String: Published]
        public var evidence: Evidence?
        /// Identifiers of the table's sources.
        public var sources: [String]
        /// How an inferred number follows from what was read.
        public var derivation: String?
        /// In what the source's recipe differs from that of the group, or from ours.
        public var difference: String
        public var own: Own
    }

    /// Where our number of a row comes from.
    public enum Own: Sendable {
        case none
        /// Runs found by arm, task and recipe.
        case recipe(RunRequest)
        /// Run folders or records, named in the table.
        case places([String])
        /// A network measured on this machine.
        case measured(NetworkRequest)
    }

    /// Rows that may be compared: one protocol.
    public struct Group: Sendable {
        public var title: String
        public var note: String?
        /// Whether all rows stand under one recipe, so that a best one may be marked.
        public var ranks: Bool
        public var columns: [Column]
        public var rows: [Row]
    }

    public var name: String
    public var title: String
    /// The file it was read from.
    public var file: String
    public var notes: [String]
    /// Identifier and place.
    public var sources: [(id: String, place: String)]
    /// Pictures that a run has to be scored on; nil where any number will do.
    public var images: Int?
    public var groups: [Group]

    /// Rows whose number is to come from a run.
    var requests: [RunRequest] {
        groups.flatMap(\.rows).compactMap { if case .recipe(let request) = $0.own { request } else { nil } }
    }

    var networks: [NetworkRequest] {
        groups.flatMap(\.rows).compactMap { if case .measured(let request) = $0.own { request } else { nil } }
    }
}

/// The runs that fill a row: a start, perhaps a head's training by a recipe, an evaluation.
public struct RunRequest: Sendable, Equatable {
    public enum Start: Sendable, Equatable {
        /// A student of a recipe, distilled on the pictures of a data set.
        case distill(recipe: String, data: String)
        /// A checkpoint that its authors publish, from the folder of teachers.
        case published(file: String, source: String)
        /// The training's own random values.
        case random
    }

    public var arm: String
    public var start: Start
    /// A recipe of kind train; nil for probes of the start itself.
    public var train: String?
    public var overrides: [String]
    public var task: EvaluationTask
    public var arguments: [String]
    /// Of training and evaluation: a name that `--data` gives a folder.
    public var data: String
}

/// A network whose cost is measured with random weights.
public struct NetworkRequest: Sendable, Equatable {
    /// A name that `dmt model draw --arch` knows.
    public var architecture: String
    public var imageSize: Int
    public var batchSize: Int
    public var precision: String

    /// Name of the job that measures it.
    var job: String { RunFolder.slug("measure-\(architecture)-\(imageSize)-\(batchSize)-\(precision)") }
}
