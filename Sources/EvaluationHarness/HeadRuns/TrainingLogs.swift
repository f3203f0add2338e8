import JSONText
import SafeFiles

/// The curves of a run on disk: `metrics.jsonl`, TensorBoard events, and `history.json` at the end.
final class TrainingLogs {
    private let metrics: MetricsLog
    private let events: EventFile
    private let run: RunFolder
    private let interval: Int
    private let progress: ProgressReporter

    /// - Parameter firstStep: steps that are done; what was logged of later ones is cut off.
    init(_ run: RunFolder, firstStep: Int, totalSteps: Int, session: CommandSession) throws(DataError) {
        self.run = run
        metrics = try MetricsLog(try run.file("metrics.jsonl"), resumingAt: firstStep)
        events = try EventFile(folder: run.path, resumingAt: firstStep)
        interval = max(1, totalSteps / 200)
        progress = session.progress("train", total: totalSteps, done: firstStep, unit: "step")
        run.note("metrics.jsonl")
        run.note(Folder.name(of: events.path))
    }

    func record(_ report: StepReport) throws(DataError) {
        progress.advance(by: 1, postfix: "loss \(ProgressText.short(report.loss))")
        guard report.step % interval == 0 || report.step == report.totalSteps, report.loss.isFinite else { return }
        try metrics.append(step: report.step, [("loss", report.loss), ("rate", report.learningRate)])
        try events.add("loss", report.loss, step: report.step)
        try events.add("rate", report.learningRate, step: report.step)
    }

    /// Points of a validation.
    func record(step: Int, _ metrics: [(name: String, value: Double)]) throws(DataError) {
        guard !metrics.isEmpty else { return }
        try self.metrics.append(step: step, metrics.map { ($0.name, $0.value) })
        for (name, value) in metrics { try events.add(name, value, step: step) }
    }

    /// Pictures of a validation, for TensorBoard.
    func record(step: Int, _ pictures: [ValidationPictures.Named]) throws(DataError) {
        for (name, picture) in pictures { try events.add("validation/\(name)", picture, step: step) }
    }

    /// Makes everything logged so far survive a power loss.
    func synchronize() throws(DataError) {
        try metrics.synchronize()
        try events.synchronize()
    }

    /// Writes the loss curves of the whole run.
    func finish(_ history: TrainingHistory) throws(DataError) {
        progress.finish()
        try synchronize()
        let curves = history.curves.map { curve in
            (
                curve.name,
                JSONValue.array(curve.points.map { .array([.int(Int64($0.step)), JSONValue(finite: $0.value)]) })
            )
        }
        let document = JSONValue.object([
            ("schema_version", .int(1)), ("curves", .object(curves)),
            ("skipped_steps", .array(history.skippedSteps.map { .int(Int64($0)) })),
        ])
        try run.write(document.text(pretty: true) + "\n", to: "history.json")
    }
}
