import JSONText
import Reporting

extension RunComparison {
    /// Whether a pair is compared across protocols.
    var isMarked: Bool { pairs.contains { !$0.protocolDifferences.isEmpty } }

    private static let mark = "DIFFERENT PROTOCOLS. "

    public var report: Report {
        var sections = [
            ReportSection(heading: "Runs", blocks: [.table(runTable)]),
            ReportSection(heading: "Metrics", blocks: notes + [.table(metricTable)]),
        ]
        for (pair, run) in zip(pairs, runs.dropFirst()) {
            for column in pair.classes {
                sections.append(
                    ReportSection(
                        heading: "Classes, \(column.name): \(pair.label) minus \(labels[0])",
                        blocks: [.table(classTable(column, pair, run))]))
            }
            if let images = pair.images {
                sections.append(
                    ReportSection(
                        heading: "Pictures: \(pair.label) minus \(labels[0])",
                        blocks: imageBlocks(images, pair)))
            }
        }
        if isMarked { sections = sections.map(marked) }
        return Report(
            title: "\(labels.dropFirst().joined(separator: ", ")) against \(labels[0])",
            introduction: [
                "Differences are a run's value minus that of \(labels[0]). 'better' and 'worse' follow each metric's direction; "
                    + "'no evidence' means that the interval holds zero, or that p"
                    + (pairs.count > 1 ? ", corrected for \(pairs.count) comparisons," : "") + " is not below 0.05."
            ], sections: sections)
    }

    /// Every table under a warning and with a mark of its own: a copied table keeps it.
    private func marked(_ section: ReportSection) -> ReportSection {
        var section = section
        section.blocks = section.blocks.map { block in
            guard case .table(var table) = block else { return block }
            table.caption = Self.mark + table.caption
            return .table(table)
        }
        section.blocks.insert(.warning("these runs do not share task, data and protocol"), at: 0)
        return section
    }

    private var notes: [ReportBlock] {
        var notes: [ReportBlock] = []
        for pair in pairs {
            if !pair.protocolDifferences.isEmpty {
                notes.append(.warning("\(pair.label): \(pair.protocolDifferences.joined(separator: "; "))"))
            }
            if let obstacle = pair.obstacle {
                notes.append(
                    .warning(
                        "\(pair.label) is not paired (\(obstacle)): intervals come from the standard errors of both runs and "
                            + "are wider than need be"))
            }
        }
        if !left.isEmpty { notes.append(.paragraph("Not in all runs: \(left.joined(separator: ", ")).")) }
        return notes
    }

    private var runTable: ReportTable {
        ReportTable(
            columns: [
                .init("run"), .init("arm"), .init("task"), .init("data"), .init("seed", .right), .init("checkpoint"),
                .init("protocol"),
            ],
            rows: zip(labels, runs).map { label, run in
                let f = run.record.fields
                return [
                    .text(label), .text(f.arm), .text(f.task), .text("\(f.dataset.coverage) of \(f.dataset.split)"),
                    .text("\(f.seed)"), .text(f.checkpoint.map { String($0.sha256.prefix(8)) } ?? "–"),
                    .text(f.protocolFingerprint.shortHash),
                ]
            })
    }

    private static let differenceColumns: [ReportTable.Column] = [
        .init("difference", .right), .init("95 % interval", .right), .init("p", .right), .init("verdict"),
    ]

    private static func cells(_ found: ComparedDifference?, _ direction: MetricValue.Direction) -> [ReportTable.Cell] {
        guard let found else { return [.text("–"), .text("–"), .text("–"), .text("not defined")] }
        return [
            ReportTable.Cell(text: NumberText.signed(found.difference, digits: 4), number: found.difference),
            .interval(found.interval), .number(found.adjustedP),
            .text(found.verdict(direction).rawValue),
        ]
    }

    private var metricTable: ReportTable {
        let several = pairs.count > 1
        var table = ReportTable(
            caption: methods,
            columns: [.init("metric")] + (several ? [.init("run")] : [])
                + [.init(labels[0], .right), .init(several ? "run's" : labels[1], .right)] + Self.differenceColumns)
        for row in rows {
            for (index, difference) in row.differences.enumerated() {
                let value = row.values[index + 1]
                table.add(
                    [.text("\(row.name) \(row.direction.arrow)")] + (several ? [.text(pairs[index].label)] : [])
                        + [.number(row.values[0].value), .number(value.value)]
                        + Self.cells(difference, row.direction))
            }
        }
        return table
    }

    private var methods: String {
        var methods: [String] = []
        for difference in rows.flatMap(\.differences) {
            if let method = difference?.method, !methods.contains(method) { methods.append(method) }
        }
        if methods.isEmpty { return "No difference has an error." }
        return methods.joined(separator: "; ") + (pairs.count > 1 ? "; p is Holm's over the runs of each metric." : ".")
    }

    private func classTable(
        _ column: PairedEvidence.ClassColumn, _ pair: Pair, _ run: FinishedRun
    ) -> ReportTable {
        // Classes without a difference come last, in the order of the data set.
        let sorted = column.rows.enumerated().sorted {
            let (a, b) = (
                $0.element.difference?.difference ?? .infinity, $1.element.difference?.difference ?? .infinity
            )
            return (a, $0.offset) < (b, $1.offset)
        }.map(\.element)
        return ReportTable(
            caption:
                "Most lost first; p is Holm's over the classes and never below what a sign test over the class's images "
                + "could reach.",
            columns: [
                .init("class"), .init("images", .right), .init(labels[0], .right), .init(pair.label, .right),
            ] + Self.differenceColumns,
            rows: sorted.map { row in
                [
                    .text(row.name), .integer(row.images), .number(row.reference), .number(row.value),
                ] + Self.cells(row.difference, .higherIsBetter)
            })
    }

    private func imageBlocks(_ images: Images, _ pair: Pair) -> [ReportBlock] {
        func table(_ caption: String, _ rows: [ImageRow]) -> ReportBlock {
            .table(
                ReportTable(
                    caption: caption,
                    columns: [
                        .init("image"), .init(labels[0], .right), .init(pair.label, .right),
                        .init("difference", .right),
                    ],
                    rows: rows.map { row in
                        [
                            .text(row.image), .number(row.reference), .number(row.value),
                            ReportTable.Cell(
                                text: NumberText.signed(row.difference, digits: 4), number: row.difference),
                        ]
                    }))
        }
        var blocks: [ReportBlock] = [
            .paragraph(
                "By each image's own \(images.figure): \(images.gained) gained, \(images.lost) lost, \(images.equal) equal."
            )
        ]
        if !images.worst.isEmpty { blocks.append(table("Most lost", images.worst)) }
        if !images.best.isEmpty { blocks.append(table("Most gained", images.best)) }
        return blocks
    }
}
