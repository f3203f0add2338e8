import Foundation
import JSONText
import Reporting
import SafeFiles

/// `dmt gate`: a run against a committed baseline, metric by metric.
public struct Gate: Sendable {
    /// The rules' file.
    public var baseline: String
    /// A run folder, or its `run.json`.
    public var run: String
    public var draws = 1000
    /// Makes the run the new baseline; the answer is then yes.
    public var updatesBaseline = false
    public var markdown: String?
    public var junit: String?
    /// Annotations, and the step's summary where the environment names its file.
    public var annotatesGitHub = false
    public var environment = ProcessInfo.processInfo.environment

    public init(baseline: String, run: String) {
        self.baseline = baseline
        self.run = run
    }

    /// What a gate says.
    public struct Answer: Sendable {
        public var passes: Bool
        public var document: JSONValue
        public var text: String
        /// Workflow commands, one a line.
        public var annotations: [String]
    }

    /// - Throws: `DataError` where there is no answer: rules, baseline or run cannot be read. What is wrong with the run's
    ///   numbers is the answer no, and no error.
    public func run(_ session: CommandSession) throws(DataError) -> Answer {
        let finished = try FinishedRun(run)
        if updatesBaseline { return try update(finished, session) }
        let rules = try GateRules(file: baseline)
        let check = GateCheck(
            rules, baseline: try GateBaseline.load(rules), run: finished,
            bootstrap: Bootstrap(drawCount: draws, seed: session.seed))
        let report = GateReport(check: check)
        session.name(files: try write(report))
        return Answer(
            passes: check.passes, document: report.json, text: TerminalRenderer().render(report.report()),
            annotations: annotatesGitHub ? report.annotations : [])
    }

    private func update(_ finished: FinishedRun, _ session: CommandSession) throws(DataError) -> Answer {
        let written = try GateBaseline.update(baseline, with: finished)
        session.name(files: written)
        let metrics = finished.record.fields.metrics
        return Answer(
            passes: true,
            document: .object([
                ("schema_version", .int(1)), ("kind", .string("gate_baseline")),
                ("files", .array(written.map { .string($0) })), ("metrics", .array(metrics.map(\.json))),
            ]),
            text: TerminalRenderer().render(
                Report(
                    title: "New baseline", introduction: ["\(baseline): \(finished.path)."],
                    sections: [ReportSection(heading: "Metrics", blocks: [.table(Report.metricTable(metrics))])])),
            annotations: [])
    }

    private func write(_ report: GateReport) throws(DataError) -> [String] {
        var written: [String] = []
        if let markdown {
            try AtomicFile.write(report.markdown(limit: GateReport.commentLimit), to: markdown)
            written.append(markdown)
        }
        if let junit {
            try AtomicFile.write(report.junit, to: junit)
            written.append(junit)
        }
        if annotatesGitHub, let summary = environment["GITHUB_STEP_SUMMARY"], !summary.isEmpty {
            // Other commands of the step may have written there: theirs stays, and both share the limit.
            let old = FileBytes.exists(summary) ? try FileBytes.read(summary, limit: 1 << 28) : []
            let room = GateReport.summaryLimit - 1 - old.count
            if room > 0 {
                let text = Array(report.markdown(limit: room).utf8)
                if text.count <= room {
                    try AppendFile(summary) { $0.count }.append(text)
                    written.append(summary)
                }
            }
        }
        return written
    }
}
