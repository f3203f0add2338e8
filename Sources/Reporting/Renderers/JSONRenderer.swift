import JSONText

/// The report as one JSON document: cells with their text and full number, charts as points, pictures by caption and
/// size. Its shape is `share/dmt/schema/report.schema.json`.
public struct JSONRenderer: ReportRenderer {
    public init() {}

    public func render(_ report: Report) -> String { json(report).text(pretty: true) + "\n" }

    /// The document as a value, for callers that add to it.
    public func json(_ report: Report) -> JSONValue {
        .object([
            ("schema_version", .int(1)),
            ("title", .string(report.title)),
            ("introduction", .array(report.introduction.map { .string($0) })),
            (
                "sections",
                .array(
                    report.sections.map { section in
                        .object([
                            ("heading", .string(section.heading)), ("blocks", .array(section.blocks.map(json))),
                        ])
                    })
            ),
        ])
    }

    private func json(_ block: ReportBlock) -> JSONValue {
        switch block {
        case .paragraph(let text): .object([("kind", .string("paragraph")), ("text", .string(text))])
        case .warning(let text): .object([("kind", .string("warning")), ("text", .string(text))])
        case .verbatim(let text): .object([("kind", .string("verbatim")), ("text", .string(text))])
        case .table(let table): json(table)
        case .chart(let chart): json(chart)
        case .plot(let plot): json(plot)
        case .pictures(let grid): json(grid)
        }
    }

    private func json(_ table: ReportTable) -> JSONValue {
        let marks = table.marks()
        let columns = table.columns.map { column in
            JSONValue.object([
                ("title", .string(column.title)),
                ("direction", column.direction.map { .string($0.rawValue) } ?? .null),
            ])
        }
        let rows = table.rows.enumerated().map { r, row in
            JSONValue.array(
                row.enumerated().map { c, cell in
                    .object(
                        [("text", .string(cell.text)), ("number", JSONValue(finite: cell.number))]
                            + (cell.spread.map { [("spread", JSONValue(finite: $0))] } ?? [])
                            + [("best", .bool(marks[r][c] == .best)), ("second", .bool(marks[r][c] == .second))])
                })
        }
        return .object([
            ("kind", .string("table")), ("caption", .string(table.caption)), ("columns", .array(columns)),
            ("rows", .array(rows)),
        ])
    }

    private func json(_ chart: LineChart) -> JSONValue {
        let series = chart.series.map { series in
            JSONValue.object([
                ("name", .string(series.name)),
                ("x", .array(series.points.map { JSONValue(finite: $0.x) })),
                ("y", .array(series.points.map { JSONValue(finite: $0.y) })),
            ])
        }
        return .object([
            ("kind", .string("chart")), ("title", .string(chart.title)), ("x_label", .string(chart.xLabel)),
            ("y_label", .string(chart.yLabel)), ("series", .array(series)),
        ])
    }

    private func json(_ plot: Plot) -> JSONValue {
        .object([
            ("kind", .string("plot")), ("plot", .string(plot.kind)), ("title", .string(plot.title)),
            ("table", json(plot.table)),
        ])
    }

    private func json(_ grid: PictureGrid) -> JSONValue {
        let pictures = grid.pictures.map { picture in
            JSONValue.object([
                ("caption", .string(picture.caption)), ("jpeg_bytes", .int(Int64(picture.jpeg.count))),
            ])
        }
        return .object([
            ("kind", .string("pictures")), ("caption", .string(grid.caption)), ("pictures", .array(pictures)),
        ])
    }
}
