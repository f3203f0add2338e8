import JSONText
import Reporting
import SafeFiles

/// A lab's table in words and files.
struct LabReport {
    let table: LabTable
    let comparisons: [LabComparison]
    /// What `dmt inspect teachers` printed; nil until it ran.
    let teachers: JSONValue?
    let recipe: Recipe
    /// Sums over the jobs that are done.
    let coreSeconds: Double
    let peakMemory: Int

    init(_ table: LabTable, recipe: Recipe, _ entries: [String: LabEntry]) {
        self.table = table
        self.recipe = recipe
        comparisons = LabComparison.all(table)
        // In the plan's order, so that equal labs have equal sums.
        coreSeconds = table.plan.jobs.reduce(0) { $0 + (entries[$1.name]?.coreSeconds ?? 0) }
        peakMemory = entries.values.map(\.peakMemory).max() ?? 0
        teachers = entries[LabPlan.teachers]?.document
    }

    private var arms: [LabArm] { table.plan.settings.arms }

    // MARK: Files

    /// - Returns: the names of the files.
    func write(to folder: String) throws(DataError) -> [String] {
        try AtomicFile.write(table.json.text(pretty: true) + "\n", to: "\(folder)/table.json")
        try AtomicFile.write(json.text(pretty: true) + "\n", to: "\(folder)/report.json")
        try AtomicFile.write(MarkdownRenderer().render(report), to: "\(folder)/report.md")
        try AtomicFile.write(HTMLRenderer().render(report), to: "\(folder)/report.html")
        return ["table.json", "report.json", "report.md", "report.html"].map { "\(folder)/\($0)" }
    }

    var json: JSONValue {
        .object([
            ("schema_version", .int(1)), ("recipe", .string(recipe.name)), ("recipe_sha256", .string(recipe.hash)),
            ("tool_versions", .array(table.toolVersions.map(JSONValue.string))),
            ("cells", .int(Int64(table.values.count))), ("filled", .int(Int64(table.filled))),
            ("core_seconds", .double(coreSeconds)), ("peak_memory", .int(Int64(peakMemory))),
            (
                "summary",
                .array(
                    arms.flatMap { arm in
                        table.columns.compactMap { column in
                            SeedSummary(table.values(arm, column).map(\.value)).map { summary in
                                .object([
                                    ("arm", .string(arm.name)), ("metric", .string(column)),
                                    ("mean", .double(summary.mean)),
                                    ("standard_deviation", JSONValue(finite: summary.standardDeviation)),
                                    ("seeds", .int(Int64(summary.seedCount))),
                                ])
                            }
                        }
                    })
            ),
            ("comparisons", .array(comparisons.map(\.json))), ("teachers", teachers ?? .null),
        ])
    }

    // MARK: Pages

    var report: Report {
        let settings = table.plan.settings
        var sections = [ReportSection(heading: "Results", blocks: [.table(mainTable)])]
        if !comparisons.isEmpty {
            sections.append(
                ReportSection(
                    heading: "Several teachers against the best single one",
                    blocks: [.table(headline), .paragraph(Self.reading)]))
            sections.append(
                ReportSection(heading: "All comparisons", blocks: table.columns.map { .table(differences($0)) }))
        }
        if let teachers {
            sections.append(
                ReportSection(
                    heading: "Teachers",
                    blocks: TeacherReport.tables(teachers).map { .table($0) }
                        + (TeacherReport.alignmentMap(teachers).map { [.plot(.heatMap($0))] } ?? [])))
        }
        return Report(
            title: "Lab: several self-supervised teachers against one, on drawn scenes",
            introduction: [
                "Each row is a student of one shape. All share data, recipes and, seed by seed, initial values of heads and "
                    + "order of pictures; only the start differs. Distillation saw \(settings.scenes.train) drawn scenes "
                    + "without labels; heads learned from the labels of \(settings.scenes.labelled) of them. "
                    + "\(settings.scenes.validation) other scenes are scored.",
                "± is the sample standard deviation over \(settings.seeds.count) seeds. \(table.filled) of "
                    + "\(table.values.count) cells are filled, in \(Int(coreSeconds / 60)) core-minutes.",
            ], sections: sections)
    }

    private static let reading =
        "The best single teacher is chosen by the table itself, which favours it. p is Holm's, over all comparisons of the arm "
        + "in the column; the interval is the unadjusted 95 % one of a paired t test over seeds."

    var mainTable: ReportTable {
        ReportTable(
            caption: "Mean ± standard deviation over seeds.",
            columns: [.init("arm")] + table.columns.map { .init($0, .right, direction: .higherIsBetter) },
            rows: arms.map { arm in
                [.text(arm.title)]
                    + table.columns.map { column in
                        guard let summary = SeedSummary(table.values(arm, column).map(\.value)) else {
                            return .text("no run")
                        }
                        return .number(summary.mean, spread: summary.standardDeviation)
                    }
            })
    }

    private static let comparisonColumns: [ReportTable.Column] = [
        .init("difference", .right), .init("interval", .right), .init("p", .right), .init("verdict"),
    ]

    private func cells(_ comparison: LabComparison) -> [ReportTable.Cell] {
        let found = comparison.difference
        return [
            .number(found.difference),
            .interval(found.interval),
            .number(comparison.adjustedP, digits: 3), .text(comparison.verdict),
        ]
    }

    private var headline: ReportTable {
        var rows: [[ReportTable.Cell]] = []
        for column in table.columns {
            guard let best = LabComparison.bestSingle(table, column) else { continue }
            for comparison in comparisons where comparison.column == column && comparison.other.name == best.name {
                rows.append([.text(column), .text(comparison.arm.title), .text(best.title)] + cells(comparison))
            }
        }
        return ReportTable(
            caption: "First minus best single teacher.",
            columns: [.init("metric"), .init("arm"), .init("best single")] + Self.comparisonColumns, rows: rows)
    }

    private func differences(_ column: String) -> ReportTable {
        ReportTable(
            caption: "\(column): difference to each other arm.",
            columns: [.init("arm"), .init("other")] + Self.comparisonColumns,
            rows: comparisons.filter { $0.column == column }.map {
                [.text($0.arm.title), .text($0.other.title)] + cells($0)
            })
    }
}
