/// GitHub-flavoured Markdown: best numbers bold, charts as tables of first and last value, pictures counted.
public struct MarkdownRenderer: ReportRenderer {
    public init() {}

    public func render(_ report: Report) -> String {
        var parts = ["# \(Self.escape(report.title))"]
        parts += report.introduction.map(Self.escape)
        for section in report.sections {
            parts.append("## \(Self.escape(section.heading))")
            parts += section.blocks.map(render)
        }
        return parts.joined(separator: "\n\n") + "\n"
    }

    func render(_ block: ReportBlock) -> String {
        switch block {
        case .paragraph(let text): Self.escape(text)
        case .warning(let text): "> **Warning:** \(Self.escape(text))"
        case .verbatim(let text): Self.fenced(text)
        case .table(let table): render(table)
        case .chart(let chart): render(chart)
        case .plot(let plot): render(plot.textForm)
        case .pictures(let grid):
            "*\(Self.escape(grid.caption)): \(grid.pictures.count) "
                + (grid.pictures.count == 1 ? "picture" : "pictures") + " in the HTML report.*"
        }
    }

    /// One table as Markdown, caption first.
    public func render(_ table: ReportTable) -> String {
        let header = table.columns.map { column in
            column.direction.map { "\(Self.cell(column.title)) \($0.arrow)" } ?? Self.cell(column.title)
        }
        let best = table.bestCells()
        var lines = ["| " + header.joined(separator: " | ") + " |"]
        lines.append("|" + table.columns.map { $0.alignment == .right ? "---:" : ":---" }.joined(separator: "|") + "|")
        for (r, row) in table.rows.enumerated() {
            let cells = row.enumerated().map { best[r][$0] ? "**\(Self.cell($1.text))**" : Self.cell($1.text) }
            lines.append("| " + cells.joined(separator: " | ") + " |")
        }
        let text = lines.joined(separator: "\n")
        return table.caption.isEmpty ? text : "\(Self.escape(table.caption))\n\n\(text)"
    }

    private func render(_ chart: LineChart) -> String {
        var table = ReportTable(
            caption: "\(chart.title) (\(chart.yLabel) over \(chart.xLabel))",
            columns: [.init("series"), .init("points", .right), .init("first", .right), .init("last", .right)])
        for series in chart.series {
            table.add([
                .text(series.name), .integer(series.points.count), .number(series.points.first?.y),
                .number(series.points.last?.y),
            ])
        }
        return render(table)
    }

    private static func cell(_ text: String) -> String {
        escape(text).split { $0.isNewline }.joined(separator: " ")
    }

    /// A fence longer than any run of backticks inside.
    private static func fenced(_ text: String) -> String {
        var longest = 0
        var run = 0
        for character in text {
            run = character == "`" ? run + 1 : 0
            longest = max(longest, run)
        }
        let fence = String(repeating: "`", count: max(3, longest + 1))
        return "\(fence)text\n\(text)\n\(fence)"
    }

    /// Text that Markdown and its HTML readers show as it is. Works on scalars: a combining mark hides no bracket.
    static func escape(_ text: String) -> String {
        var result = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\\", "`", "*", "[", "]", "|": result.append(contentsOf: ["\\", scalar])
            case "<": result.append(contentsOf: "&lt;".unicodeScalars)
            case ">": result.append(contentsOf: "&gt;".unicodeScalars)
            case "&": result.append(contentsOf: "&amp;".unicodeScalars)
            default: result.append(scalar)
            }
        }
        return String(result)
    }
}
