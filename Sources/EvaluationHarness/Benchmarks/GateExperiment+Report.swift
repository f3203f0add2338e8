import JSONText
import Reporting

extension GateExperiment {
    private var metric: String { kind == .segmentation ? DrawnSegmentation.metric : DrawnDetection.metric }

    public func json(_ rows: [Row]) -> JSONValue {
        .object([
            ("schema_version", .int(1)), ("kind", .string(kind.rawValue)), ("metric", .string(metric)),
            ("classes", .int(Int64(classes))), ("planted_drop", .double(drop)),
            ("bootstrap_draws", .int(Int64(bootstrapDraws))), ("bootstrap_seeds", .int(Int64(seeds))),
            ("seed", .string("\(seed)")),
            (
                "rows",
                .array(
                    rows.map { row in
                        .object([
                            ("images", .int(Int64(row.images))), ("swaps", .int(Int64(row.swaps))),
                            ("alarms", .int(Int64(row.alarms))), ("differences", .int(Int64(row.differences))),
                            ("alarm_share", share(row.alarms, row.swaps)), ("draws", .int(Int64(row.draws))),
                            ("caught", .int(Int64(row.caught))), ("caught_share", share(row.caught, row.draws)),
                            ("mean_drop", .double(row.meanDrop)), ("clear_cases", .int(Int64(row.clearCases))),
                            ("flips", .int(Int64(row.flips))),
                        ])
                    })
            ),
        ])
    }

    private func share(_ part: Int, _ whole: Int) -> JSONValue {
        JSONValue(finite: whole > 0 ? Double(part) / Double(whole) : nil)
    }

    /// For the terminal.
    public func text(_ rows: [Row]) -> String { TerminalRenderer().render(report(rows)) }

    public func report(_ rows: [Row]) -> Report {
        func cell(_ part: Int, _ whole: Int) -> ReportTable.Cell {
            guard let interval = Proportion(successes: part, count: whole).interval else { return .text("–") }
            let text = [Double(part) / Double(whole), interval.lower, interval.upper].map {
                NumberText.fixed(100 * $0, digits: 1)
            }
            return ReportTable.Cell(
                text: "\(text[0]) % (\(text[1]) to \(text[2]))", number: Double(part) / Double(whole))
        }
        return Report(
            title: "How a gate decides: \(metric)",
            introduction: [
                "Drawn evidence of \(classes) classes, \(bootstrapDraws) bootstrap draws, seed \(seed). Shares carry Wilson's "
                    + "95 % interval.",
                "Alarms: two equally good students whose evidence was swapped image by image at random. Caught: a student that "
                    + "is \(NumberText.exact(drop)) worse on average. Flips: of clear cases, those on which one of \(seeds) "
                    + "other bootstrap seeds disagrees.",
            ],
            sections: [
                ReportSection(
                    heading: "Results",
                    blocks: [
                        .table(
                            ReportTable(
                                columns: [
                                    .init("images", .right), .init("swaps", .right), .init("alarms", .right),
                                    .init("differ either way", .right), .init("planted drops", .right),
                                    .init("caught", .right), .init("mean drop", .right), .init("clear cases", .right),
                                    .init("flips", .right),
                                ],
                                rows: rows.map { row in
                                    [
                                        .integer(row.images), .integer(row.swaps), cell(row.alarms, row.swaps),
                                        cell(row.differences, row.swaps), .integer(row.draws),
                                        cell(row.caught, row.draws), .number(row.meanDrop), .integer(row.clearCases),
                                        .integer(row.flips),
                                    ]
                                }))
                    ])
            ])
    }
}
