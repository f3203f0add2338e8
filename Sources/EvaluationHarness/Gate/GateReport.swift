import JSONText
import Reporting

/// A gate's answer in words and files.
struct GateReport: Sendable {
    let check: GateCheck

    /// Names longer than this are cut in tables and annotations.
    private static let nameLimit = 200

    /// Characters that a comment on a pull request may have, less one.
    static let commentLimit = 65_535
    /// Bytes that one step's summary may have.
    static let summaryLimit = 1 << 20

    private static func cut(_ text: String, _ limit: Int = nameLimit) -> String {
        text.unicodeScalars.count <= limit ? text : String(text.unicodeScalars.prefix(limit)) + "…"
    }

    /// "gate closed: 2 of 9 metrics failed".
    var headline: String {
        let failed = check.failures.count
        let improved = check.findings.count { $0.status == .improved }
        let better = improved == 0 ? "" : ", \(improved) better beyond noise"
        return failed == 0
            ? "gate open: nothing failed\(better)" : "gate closed: \(failed) of \(check.findings.count) failed\(better)"
    }

    var introduction: [String] {
        let f = check.run.record.fields
        return [
            "\(headline). \(f.arm) on \(f.task), \(f.dataset.coverage); baseline \(check.rules.recordName).",
            check.obstacle.map {
                "Differences are not paired (\($0)): intervals come from both standard errors and are wider than need be."
            } ?? "Intervals are of the run minus the baseline, paired over images.",
        ]
    }

    /// - Parameter limit: rows of the table at most; the rest is counted.
    func report(limit: Int = .max) -> Report {
        let findings = check.findings
        let shown = findings.prefix(limit)
        var table = ReportTable(columns: [
            .init("metric"), .init("status"), .init("baseline", .right), .init("run", .right), .init("change", .right),
            .init("95 % interval", .right), .init("rule"), .init("why"),
        ])
        for finding in shown {
            let change = finding.change.map {
                ReportTable.Cell(text: NumberText.signed($0, digits: 4), number: $0)
            }
            table.add([
                .text("\(Self.cut(finding.name)) \(finding.direction.arrow)"), .text(finding.status.rawValue),
                .number(finding.baseline), .number(finding.value), change ?? .text("–"),
                finding.difference.map { .interval($0.interval) } ?? .text("–"), .text(finding.rule.words),
                .text(Self.cut(finding.reasons.joined(separator: "; "), 600)),
            ])
        }
        if shown.count < findings.count { table.caption = "\(findings.count - shown.count) more are not shown." }
        return Report(
            title: "Gate", introduction: introduction,
            sections: [ReportSection(heading: "Metrics", blocks: [.table(table)])])
    }

    /// Markdown below a size: rows that do not fit are counted instead.
    func markdown(limit: Int) -> String {
        var rows = check.findings.count
        while true {
            let text = MarkdownRenderer(limit: .max).render(report(limit: rows))
            if text.utf8.count <= limit || rows == 0 { return text }
            rows = rows > 8 ? rows * 3 / 4 : rows - 1
        }
    }

    var json: JSONValue {
        .object([
            ("schema_version", .int(1)), ("kind", .string("gate")), ("passed", .bool(check.passes)),
            ("run", .string(check.run.path)), ("rules", .string(check.rules.file)),
            ("paired", .bool(check.obstacle == nil)),
            ("obstacle", check.obstacle.map { .string($0) } ?? .null),
            ("findings", .array(check.findings.map(\.json))),
        ])
    }

    /// One case a metric; failures tell old value, new value, change and limit.
    var junit: String {
        let task = check.run.record.fields.task
        let cases = check.findings.map { finding -> JUnitSuite.Case in
            let text =
                ([
                    "old \(finding.baseline.map(NumberText.exact) ?? "undefined")",
                    "new \(finding.value.map(NumberText.exact) ?? "undefined")",
                    "delta \(finding.change.map(NumberText.exact) ?? "undefined")", "threshold \(finding.rule.words)",
                ] + finding.reasons).joined(separator: "\n")
            let outcome: JUnitSuite.Outcome =
                switch finding.status {
                case .failed:
                    .failed(
                        message: "\(Self.cut(finding.name)): \(Self.cut(finding.reasons.joined(separator: "; "), 600))",
                        text: text)
                case .skipped: .skipped(message: finding.reasons.joined(separator: "; "))
                case .passed, .improved, .informational: .passed
                }
            return JUnitSuite.Case(
                name: finding.name, className: "gate.\(task)", outcome: outcome,
                output: finding.status == .failed ? "" : "\(finding.status.rawValue)\n\(text)")
        }
        return JUnitText.text([JUnitSuite(name: "dmt gate", cases: cases)])
    }

    /// Lines that GitHub turns into annotations, worst first: errors for failures, warnings for losses let pass for want of
    /// evidence, notices for improvements.
    var annotations: [String] {
        func entries(_ wanted: (GateFinding) -> Bool) -> [GitHubAnnotation] {
            check.findings.filter(wanted).map { finding in
                GitHubAnnotation(
                    title: "dmt gate: \(Self.cut(finding.name))",
                    message: finding.movement
                        + (finding.reasons.isEmpty ? "" : ": \(Self.cut(finding.reasons.joined(separator: "; "), 600))")
                )
            }
        }
        return GitHubAnnotation.lines(.error, entries { $0.status == .failed })
            + GitHubAnnotation.lines(.warning, entries { $0.status == .passed && !$0.reasons.isEmpty })
            + GitHubAnnotation.lines(.notice, entries { $0.status == .improved })
    }
}
