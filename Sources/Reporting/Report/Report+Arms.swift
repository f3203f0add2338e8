extension Report {
    /// Several runs: one row an arm where an arm has several runs, one row a run, one column a metric.
    ///
    /// Runs of different tasks or protocols are not comparable: each distinct (task, version, data, protocol) gets tables of its
    /// own, and a warning lists in what they differ. A run that occurs twice is counted once.
    ///
    /// - Parameter names: what the runs are called in the table, one a run; a column of their own.
    /// - Precondition: as many names as runs, or none.
    public init(title: String, runs: [RunRecord], names: [String] = []) {
        precondition(names.isEmpty || names.count == runs.count, "\(names.count) names of \(runs.count) runs")
        self.init(title: title)
        var groups: [RunGroup] = []
        for (place, run) in runs.enumerated() {
            let name = names.isEmpty ? nil : names[place]
            if let index = groups.firstIndex(where: { $0.runs[0].record.isComparable(to: run) }) {
                groups[index].add(run, name)
            } else {
                groups.append(RunGroup(run, name))
            }
        }
        for (index, group) in groups.enumerated() {
            let f = group.runs[0].record.fields
            var blocks: [ReportBlock] = []
            if let warning = Self.warning(of: group, after: groups[..<index]) { blocks.append(.warning(warning)) }
            if !group.copies.isEmpty {
                blocks.append(
                    .warning(
                        "Counted once: \(group.copies.joined(separator: ", ")) "
                            + (group.copies.count == 1 ? "is a copy" : "are copies") + " of a run that is listed."))
            }
            sections.append(
                ReportSection(
                    heading: "\(f.task) on \(f.dataset.name) \(f.dataset.split), protocol "
                        + f.protocolFingerprint.shortHash, blocks: blocks + group.blocks))
        }
    }
}

extension Report {
    /// In what a table differs from the first one of its task.
    private static func warning(of group: RunGroup, after others: ArraySlice<RunGroup>) -> String? {
        guard let first = others.first else { return nil }
        let run = group.runs[0].record
        guard let same = others.first(where: { $0.runs[0].record.fields.task == run.fields.task }) else {
            return "Another task than \(first.runs[0].record.fields.task): not comparable with its table."
        }
        let differences = run.differences(from: same.runs[0].record).joined(separator: "; ")
        return "Not comparable with the first table\(others.count == 1 ? "" : " of this task"): \(differences)."
    }
}

/// Runs whose numbers may stand in one table.
private struct RunGroup {
    private(set) var runs: [(record: RunRecord, name: String?)]
    /// Names of runs that are others again.
    private(set) var copies: [String] = []

    init(_ run: RunRecord, _ name: String?) { runs = [(run, name)] }

    mutating func add(_ run: RunRecord, _ name: String?) {
        let text = run.json(.reproducible)
        if runs.contains(where: { $0.record.json(.reproducible) == text }) {
            copies.append(name ?? "\(run.fields.arm), seed \(run.fields.seed)")
        } else {
            runs.append((run, name))
        }
    }

    /// Runs of one arm and model, in the order of their first.
    private var arms: [[RunRecord]] {
        var arms: [[RunRecord]] = []
        for (run, _) in runs {
            let same = arms.firstIndex {
                $0[0].fields.arm == run.fields.arm && $0[0].fields.model == run.fields.model
            }
            if let same { arms[same].append(run) } else { arms.append([run]) }
        }
        return arms
    }

    private var metrics: [(name: String, direction: MetricValue.Direction)] {
        var names: [(name: String, direction: MetricValue.Direction)] = []
        for (run, _) in runs {
            for metric in run.fields.metrics where !names.contains(where: { $0.name == metric.name }) {
                names.append((metric.name, metric.direction))
            }
        }
        return names
    }

    var blocks: [ReportBlock] {
        let hasSeeds = arms.contains { $0.count > 1 }
        var blocks: [ReportBlock] = hasSeeds ? [.table(armTable)] : []
        var each = runTable
        // The best of several seeds is luck.
        each.ranks = !hasSeeds
        blocks.append(.table(each))
        if runs.contains(where: { !$0.record.fields.efficiency.isEmpty }) {
            blocks.append(.table(Report.efficiencyTable(costs)))
        }
        return blocks
    }

    private var metricColumns: [ReportTable.Column] {
        metrics.map { .init($0.name, .right, direction: $0.direction) }
    }

    private var armTable: ReportTable {
        ReportTable(
            caption: "Arms: mean ± standard deviation over runs; no ± where there is one.",
            columns: [.init("arm"), .init("model"), .init("runs", .right)] + metricColumns,
            rows: arms.map { runs in
                let f = runs[0].fields
                let cells = metrics.map { metric -> ReportTable.Cell in
                    let values = runs.compactMap { $0.metric(metric.name)?.value }
                    guard let summary = SeedSummary(values) else { return .text("–") }
                    var cell = ReportTable.Cell.number(summary.mean, spread: summary.standardDeviation)
                    if values.count < runs.count { cell.text += " (\(values.count) of \(runs.count) runs)" }
                    return cell
                }
                return [.text(f.arm), .text(f.model), .integer(runs.count)] + cells
            })
    }

    private var runTable: ReportTable {
        let isNamed = runs.contains { $0.name != nil }
        var table = ReportTable(
            caption: "Runs: value ± standard error over images where it was computed.",
            columns: (isNamed ? [.init("run")] : [])
                + [.init("arm"), .init("model"), .init("seed", .right), .init("images")] + metricColumns)
        for (run, name) in runs {
            let f = run.fields
            table.add(
                (isNamed ? [.text(name ?? "")] : [])
                    + [.text(f.arm), .text(f.model), .text("\(f.seed)"), .text(f.dataset.coverage)]
                    + metrics.map { .metric(run.metric($0.name)) })
        }
        return table
    }

    /// Networks of the first run of each arm that measured them.
    private var costs: [NetworkCost] {
        arms.flatMap { runs in
            (runs.first { !$0.fields.efficiency.isEmpty }?.fields.efficiency ?? []).map { cost in
                var named = cost
                named.network = "\(runs[0].fields.arm): \(cost.network)"
                return named
            }
        }
    }
}
