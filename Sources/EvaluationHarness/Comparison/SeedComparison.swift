import JSONText
import Reporting
import SafeFiles

/// `dmt compare --seeds`: groups of runs that differ in the seed alone, seed by seed against the first group.
public struct SeedComparison: Sendable {
    struct Row: Sendable {
        var name: String
        var direction: MetricValue.Direction
        /// One a group; nil where a run leaves the metric undefined.
        var summaries: [SeedSummary?]
        var differences: [(found: PairedSeeds, adjustedP: Double)?]
    }

    let labels: [String]
    /// Of each group, ascending; empty where the records do not tell runs apart by a seed.
    let seeds: [UInt64]
    let runCount: Int
    let rows: [Row]
    let protocolDifferences: [String]

    /// Runs are paired by the seeds of their records; where these are not distinct (probes of frozen networks draw nothing) by
    /// the order they are given in, if their checkpoints differ.
    ///
    /// - Parameter groups: two or more, each of as many runs.
    /// - Throws: `.configuration` for groups that cannot be paired, and runs that may not be compared.
    public init(_ groups: [[FinishedRun]], allowsDifferentProtocols: Bool) throws(DataError) {
        func refuse(_ run: FinishedRun?, _ expected: String, _ found: String, _ remedy: String) -> DataError {
            DataError(.configuration, file: run?.path ?? "runs", expected: expected, found: found, remedy: remedy)
        }
        guard groups.count > 1, let first = groups.first, first.count > 1 else {
            throw refuse(
                groups.first?.first, "two groups or more, of at least two runs each",
                "\(groups.count) groups" + (groups.first.map { ", the first of \($0.count)" } ?? ""),
                "write them as A1,A2,A3 B1,B2,B3")
        }
        var sorted: [[FinishedRun]] = []
        var differences: [String] = []
        let seeds = first.map(\.record.fields.seed).sorted()
        let namesSeeds = groups.contains { Set($0.map(\.record.fields.seed)).count > 1 }
        for group in groups {
            let own = group.map(\.record.fields.seed).sorted()
            let checkpoints = Set(group.map { $0.record.fields.checkpoint?.sha256 ?? $0.file })
            if namesSeeds {
                guard Set(own).count == own.count, own == seeds else {
                    throw refuse(
                        group.first, "one run of each seed \(seeds.map { "\($0)" }.joined(separator: ", "))",
                        own.map { "\($0)" }.joined(separator: ", "), "give each group the same seeds, each once")
                }
            } else {
                guard group.count == first.count, checkpoints.count == group.count else {
                    throw refuse(
                        group.first, "\(first.count) runs of different checkpoints",
                        "\(group.count) runs of \(checkpoints.count)", "give each group as many runs, each once")
                }
            }
            for run in group {
                for difference in run.record.differences(from: first[0].record) where !differences.contains(difference)
                {
                    guard allowsDifferentProtocols else {
                        throw refuse(
                            run, "the task, data and protocol of \(first[0].path)", difference,
                            "evaluate all alike, or add --allow-different-protocols: every table is then marked")
                    }
                    differences.append(difference)
                }
            }
            sorted.append(namesSeeds ? group.sorted { $0.record.fields.seed < $1.record.fields.seed } : group)
        }
        self.seeds = namesSeeds ? seeds : []
        runCount = first.count
        protocolDifferences = differences
        labels = Self.labels(sorted)
        rows = sorted[0][0].record.fields.metrics.filter { metric in
            sorted.joined().allSatisfy { $0.record.metric(metric.name) != nil }
        }.map { metric in
            let values = sorted.map { group in group.map { $0.record.metric(metric.name)?.value } }
            let complete = values.map { $0.contains(nil) ? nil : $0.compactMap(\.self) }
            let found = complete.dropFirst().map { own in
                own.flatMap { own in complete[0].flatMap { PairedSeeds(own, $0) } }
            }
            let places = found.indices.filter { found[$0] != nil }
            var differences: [(found: PairedSeeds, adjustedP: Double)?] = found.map { _ in nil }
            for (place, p) in zip(places, PairedSeeds.holm(places.map { found[$0]!.pValue })) {
                differences[place] = (found[place]!, p)
            }
            return Row(
                name: metric.name, direction: metric.direction,
                summaries: complete.map { $0.flatMap { SeedSummary($0) } },
                differences: differences)
        }
        guard !rows.isEmpty else {
            throw refuse(first[0], "a metric that all runs have", "none", "compare runs of one task")
        }
    }

    /// The arm where each group has one of its own; else the group's first run.
    private static func labels(_ groups: [[FinishedRun]]) -> [String] {
        let arms = groups.map { Set($0.map(\.record.fields.arm)) }
        let names = arms.compactMap(\.first)
        if arms.allSatisfy({ $0.count == 1 }), Set(names).count == groups.count { return names }
        return groups.enumerated().map { "group \($0 + 1) (\($1[0].path) …)" }
    }

    private static func verdict(
        _ entry: (found: PairedSeeds, adjustedP: Double), _ direction: MetricValue.Direction
    ) -> ComparisonVerdict {
        guard entry.adjustedP < 0.05 else { return .noEvidence }
        return (entry.found.difference > 0) == (direction == .higherIsBetter) ? .better : .worse
    }

    public var report: Report {
        let mark = protocolDifferences.isEmpty ? "" : "DIFFERENT PROTOCOLS. "
        let several = labels.count > 2
        var values = ReportTable(
            caption: mark + "Mean ± standard deviation over \(runCount) seeds.",
            columns: [.init("metric")] + labels.map { .init($0, .right) })
        var differences = ReportTable(
            caption: mark + "Minus \(labels[0]), seed by seed; paired t test over \(runCount) seeds"
                + (several ? "; p is Holm's over the groups of each metric." : "."),
            columns: [
                .init("metric"), .init("group"), .init("difference", .right), .init("95 % interval", .right),
                .init("p", .right), .init("verdict"),
            ])
        for row in rows {
            values.add(
                [.text("\(row.name) \(row.direction.arrow)")]
                    + row.summaries.map { summary in
                        summary.map { .number($0.mean, spread: $0.standardDeviation) } ?? .text("–")
                    })
            for (label, entry) in zip(labels.dropFirst(), row.differences) {
                guard let entry else { continue }
                differences.add([
                    .text(row.name), .text(label),
                    ReportTable.Cell(
                        text: NumberText.signed(entry.found.difference, digits: 4), number: entry.found.difference),
                    .interval(entry.found.interval), .number(entry.adjustedP, digits: 3),
                    .text(Self.verdict(entry, row.direction).rawValue),
                ])
            }
        }
        let warnings: [ReportBlock] = protocolDifferences.map { .warning("these runs do not share a protocol: \($0)") }
        return Report(
            title: "\(labels.dropFirst().joined(separator: ", ")) against \(labels[0]), over seeds",
            introduction: [
                (seeds.isEmpty
                    ? "The records name no seeds: runs are paired in the order given. "
                    : "Seeds: \(seeds.map { "\($0)" }.joined(separator: ", ")). ")
                    + "What is sampled are the seeds: the interval is for other "
                    + "seeds on the same test images, not for other images."
            ],
            sections: [
                ReportSection(heading: "Values", blocks: warnings + [.table(values)]),
                ReportSection(heading: "Differences", blocks: warnings + [.table(differences)]),
            ])
    }

    /// The document of `dmt compare --seeds --json`.
    public var json: JSONValue {
        .object([
            ("schema_version", .int(1)), ("kind", .string("seed_comparison")),
            ("groups", .array(labels.map { .string($0) })), ("seeds", .array(seeds.map { .string("\($0)") })),
            ("protocol_differences", .array(protocolDifferences.map { .string($0) })),
            ("metrics", .array(rows.map(json))),
        ])
    }

    private func json(_ row: Row) -> JSONValue {
        .object([
            ("name", .string(row.name)), ("direction", .string(row.direction.rawValue)),
            (
                "summaries",
                .array(
                    row.summaries.map { summary in
                        summary.map {
                            .object([
                                ("mean", .double($0.mean)),
                                ("standard_deviation", JSONValue(finite: $0.standardDeviation)),
                            ])
                        } ?? .null
                    })
            ),
            (
                "differences",
                .array(
                    row.differences.map { entry in
                        guard let entry else { return .null }
                        let found = entry.found
                        return .object([
                            ("difference", .double(found.difference)),
                            ("interval", .array([.double(found.interval.lower), .double(found.interval.upper)])),
                            ("level", .double(found.interval.level)), ("p", .double(found.pValue)),
                            ("p_holm", .double(entry.adjustedP)),
                            ("verdict", .string(Self.verdict(entry, row.direction).rawValue)),
                            ("method", .string(found.method)),
                        ])
                    })
            ),
        ])
    }
}
