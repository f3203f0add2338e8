extension Report {
    /// One run: metrics, classes, protocol, and everything needed to repeat it.
    public init(run: RunRecord) {
        let f = run.fields
        self.init(
            title: "\(f.arm) on \(f.task)",
            introduction: [
                "\(f.model), scored on \(f.dataset.coverage) of \(f.dataset.name) \(f.dataset.split). "
                    + "Task version \(f.taskVersion), protocol \(f.protocolFingerprint.shortHash), seed \(f.seed)."
            ])
        var results: [ReportBlock] = f.warnings.map { .warning("\($0.code): \($0.message)") }
        results.append(.table(Self.metricTable(f.metrics)))
        sections.append(ReportSection(heading: "Results", blocks: results))
        if let classes = f.classTable {
            sections.append(ReportSection(heading: "Classes", blocks: [.table(Self.classTable(classes))]))
        }
        if !f.efficiency.isEmpty {
            sections.append(ReportSection(heading: "Efficiency", blocks: [.table(Self.efficiencyTable(f.efficiency))]))
        }
        sections.append(ReportSection(heading: "Protocol", blocks: [.table(Self.protocolTable(f.protocolFingerprint))]))
        sections.append(ReportSection(heading: "How to repeat", blocks: Self.repetition(f)))
    }

    /// Metrics with error, interval and n.
    public static func metricTable(_ metrics: [MetricValue]) -> ReportTable {
        var table = ReportTable(columns: [
            .init("metric"), .init("value", .right), .init("± SE", .right), .init("interval", .right),
            .init("n", .right), .init("note"),
        ])
        for metric in metrics {
            let interval = metric.interval.map {
                "\(NumberText.fixed($0.lower, digits: 4)) to \(NumberText.fixed($0.upper, digits: 4))"
            }
            table.add([
                .text("\(metric.name) \(metric.direction.arrow)"), .number(metric.value),
                metric.standardError == nil ? .text("not computed") : .number(metric.standardError),
                .text(interval ?? "–"), .integer(metric.sampleCount),
                .text(metric.reason ?? metric.errorMethod ?? ""),
            ])
        }
        return table
    }

    private static func classTable(_ classes: ClassTable) -> ReportTable {
        var table = ReportTable(columns: [.init("class")] + classes.columns.map { .init($0, .right) })
        // A column of whole numbers beyond 1 holds counts.
        let counts = classes.columns.indices.map { c in
            let values = classes.rows.compactMap { $0.values[c] }
            return values.allSatisfy { $0 == $0.rounded() } && values.contains { abs($0) > 1 }
        }
        for row in classes.rows {
            let cells = row.values.enumerated().map { c, value in
                ReportTable.Cell.number(value, digits: counts[c] ? 0 : 4)
            }
            table.add([.text(row.name)] + cells)
        }
        return table
    }

    private static func protocolTable(_ fingerprint: ProtocolFingerprint) -> ReportTable {
        ReportTable(
            caption: "SHA-256 \(fingerprint.hash)", columns: [.init("choice"), .init("value")],
            rows: fingerprint.entries.map { [.text($0.key), .text($0.value)] })
    }

    private static func repetition(_ f: RunRecord.Draft) -> [ReportBlock] {
        var facts = ReportTable(columns: [.init("fact"), .init("value")])
        facts.add([.text("dataset hash"), .text(f.dataset.contentHash)])
        if let checkpoint = f.checkpoint {
            facts.add([.text("checkpoint"), .text("\(checkpoint.name) \(checkpoint.sha256)")])
        }
        facts.add([.text("selection rule"), .text(f.selectionRule)])
        facts.add([.text("dmt"), .text(f.toolVersion)])
        for fact in f.environment { facts.add([.text(fact.key), .text(fact.value)]) }
        for timing in f.timings { facts.add([.text("seconds, \(timing.phase)"), .number(timing.seconds, digits: 2)]) }
        let settings = ReportTable(
            caption: "Resolved settings", columns: [.init("setting"), .init("value"), .init("set by")],
            rows: f.settings.map { [.text($0.key), .text($0.value), .text($0.origin)] })
        return [.verbatim(f.commandLine.joined(separator: " ")), .table(facts), .table(settings)]
    }
}

extension RunRecord {
    /// Whether the numbers of two runs may stand in one table: same task, version, data and protocol.
    public func isComparable(to other: RunRecord) -> Bool { differences(from: other).isEmpty }

    /// What keeps two runs from being compared, one phrase each.
    public func differences(from other: RunRecord) -> [String] {
        let (a, b) = (fields, other.fields)
        var result: [String] = []
        if a.task != b.task { result.append("task \(a.task) against \(b.task)") }
        if a.taskVersion != b.taskVersion { result.append("task version \(a.taskVersion) against \(b.taskVersion)") }
        if a.dataset.contentHash != b.dataset.contentHash { result.append("another data set or version") }
        if a.dataset.scoredImages != b.dataset.scoredImages {
            result.append("\(a.dataset.coverage) against \(b.dataset.coverage)")
        }
        for difference in a.protocolFingerprint.differences(from: b.protocolFingerprint) {
            result.append(
                "\(difference.key) \(difference.first ?? "not stated") against \(difference.second ?? "not stated")")
        }
        return result
    }
}
