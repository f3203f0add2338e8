import JSONText
import Reporting
import SafeFiles

/// Measures a model on another split while it is trained, and keeps the best one beside the last.
///
/// What was best so far is read from the curve in the history, which snapshots hold: a training that is continued knows it,
/// and writes `best.safetensors` again where it falls back behind it.
struct TrainingValidation {
    /// One task's measurement with its types closed over.
    struct Measurement {
        var plan: ValidationPlan
        /// The metric that decides; larger is better.
        var metric: String
        /// What is measured on: "ADEChallengeData2016 val, 2000 images".
        var data: String
        /// Content hash of that.
        var hash: String
        /// Predicts into the run folder and scores what is there.
        var metrics: (RunFolder) throws -> [MetricValue]
        /// A few of those predictions, drawn.
        var pictures: (RunFolder) throws -> [ValidationPictures.Named]
        /// Writes the measured weights with metadata.
        var save: (_ path: String, _ metadata: [String: String]) throws -> Void
    }

    static let bestFile = "best.safetensors"
    private let plan: ValidationPlan
    private let totalSteps: Int
    private let measurement: Measurement
    private let notes: TrainingNotes
    private let run: RunFolder
    private let logs: TrainingLogs
    private let session: CommandSession

    init(
        _ measurement: Measurement, totalSteps: Int, notes: TrainingNotes, in run: RunFolder, logs: TrainingLogs,
        session: CommandSession
    ) {
        plan = measurement.plan
        self.totalSteps = totalSteps
        self.measurement = measurement
        self.notes = notes
        self.run = run
        self.logs = logs
        self.session = session
    }

    /// The name of a metric's curve.
    static func curve(_ metric: String) -> String { "validation/\(metric)" }

    /// The best point of a history's curve, the first of equals.
    static func best(of history: TrainingHistory, _ metric: String) -> TrainingHistory.Point? {
        let points = history.curves.first { $0.name == curve(metric) }?.points ?? []
        return points.reduce(nil) { best, point in best.map { $0.value >= point.value } ?? false ? best : point }
    }

    /// Measures where a measurement is due. A metric that is not defined on the split leaves no point.
    ///
    /// - Throws: `.missing` where the curve has a best step whose checkpoint is gone; what predicting and scoring throw.
    func callAsFunction(_ completedSteps: Int, _ history: inout TrainingHistory) throws {
        guard plan.isDue(completedSteps, of: totalSteps) else { return }
        let metrics = try measurement.metrics(run).compactMap { metric in metric.value.map { (metric.name, $0) } }
        let before = Self.best(of: history, measurement.metric)
        if let before { try demandCheckpoint(of: before) }
        for (name, value) in metrics { history.mark(Self.curve(name), value, step: completedSteps) }
        try logs.record(step: completedSteps, metrics.map { (Self.curve($0), $1) })
        try logs.record(step: completedSteps, measurement.pictures(run))
        guard let value = metrics.first(where: { $0.0 == measurement.metric })?.1 else {
            session.note("step \(completedSteps): \(measurement.metric) is not defined on \(measurement.data)")
            return
        }
        let isBest = before.map { value > $0.value } ?? true
        if isBest {
            var notes = notes
            notes.selection = "best \(measurement.metric) on \(measurement.data), step \(completedSteps)"
            try measurement.save(try run.file(Self.bestFile), notes.metadata)
            run.note(Self.bestFile)
        }
        session.note(
            "step \(completedSteps): \(measurement.metric) \(ProgressText.short(value)) on \(measurement.data)"
                + (isBest
                    ? ", the best so far"
                    : before.map { ", best \(ProgressText.short($0.value)) at step \($0.step)" } ?? ""))
    }

    private func demandCheckpoint(of best: TrainingHistory.Point) throws(DataError) {
        run.note(Self.bestFile)
        let file = "\(run.path)/\(Self.bestFile)"
        guard !FileBytes.exists(file) else { return }
        throw DataError(
            .missing, file: file, expected: "the best checkpoint so far, of step \(best.step)", found: "nothing",
            remedy: "bring it back and continue with --resume, or start a new run")
    }

    /// What a training's document says of it.
    func json(_ history: TrainingHistory) -> JSONValue {
        guard let best = Self.best(of: history, measurement.metric) else { return .null }
        return .object([
            ("checkpoint", .string("\(run.path)/\(Self.bestFile)")), ("metric", .string(measurement.metric)),
            ("value", .double(best.value)), ("step", .int(Int64(best.step))),
        ])
    }
}
