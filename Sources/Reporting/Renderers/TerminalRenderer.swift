/// Plain text for terminals and logs: aligned columns, a star at the best number, bold only when asked.
public struct TerminalRenderer: ReportRenderer {
    /// Whether escape sequences may be used; the caller knows about terminals and `NO_COLOR`.
    public var usesStyle: Bool

    public init(usesStyle: Bool = false) { self.usesStyle = usesStyle }

    public func render(_ report: Report) -> String {
        var parts = [heading(report.title, "=")]
        parts += report.introduction.map { Self.printable($0) }
        for section in report.sections {
            parts.append(heading(section.heading, "-"))
            parts += section.blocks.map(render)
        }
        return parts.joined(separator: "\n\n") + "\n"
    }

    private func heading(_ text: String, _ rule: String) -> String {
        let text = Self.printable(text)
        return (usesStyle ? "\u{1B}[1m\(text)\u{1B}[0m" : text) + "\n"
            + String(repeating: rule, count: min(VisibleText.columns(text), 120))
    }

    private func render(_ block: ReportBlock) -> String {
        switch block {
        case .paragraph(let text): Self.printable(text)
        case .warning(let text): "warning: \(Self.printable(text))"
        case .verbatim(let text):
            text.split(separator: "\n", omittingEmptySubsequences: false).map { "    " + Self.printable(String($0)) }
                .joined(separator: "\n")
        case .table(let table): render(table)
        case .chart(let chart):
            "\(Self.printable(chart.title)):\n"
                + chart.series.map { series in
                    let first = series.points.first.map { NumberText.short($0.y) } ?? "no points"
                    let last = series.points.last.map { NumberText.short($0.y) } ?? "no points"
                    return "  \(Self.printable(series.name)): \(first) → \(last)"
                }.joined(separator: "\n")
        case .plot(let plot): render(plot.textForm)
        case .pictures(let grid): "\(Self.printable(grid.caption)): \(grid.pictures.count) in the HTML report"
        }
    }

    /// One table with aligned columns.
    public func render(_ table: ReportTable) -> String {
        let marks = table.marks()
        let header = table.columns.map { column in
            Self.printable(column.title) + (column.direction.map { " \($0.arrow)  " } ?? "")
        }
        let body = table.rows.enumerated().map { r, row in
            row.enumerated().map { c, cell in
                Self.printable(VisibleText.shortened(cell.text))
                    + (table.columns[c].direction == nil ? "" : marks[r][c] == .best ? " *" : "  ")
            }
        }
        let widths = table.columns.indices.map { c in
            ([header[c]] + body.map { $0[c] }).map(VisibleText.columns).max() ?? 0
        }
        func line(_ cells: [String]) -> String {
            let padded = cells.enumerated().map { c, cell in
                let space = String(repeating: " ", count: widths[c] - VisibleText.columns(cell))
                return table.columns[c].alignment == .right ? space + cell : cell + space
            }
            var text = padded.joined(separator: "  ")
            while text.last == " " { text.removeLast() }
            return text
        }
        let rule = widths.map { String(repeating: "─", count: $0) }.joined(separator: "  ")
        var lines = [line(header), rule] + body.map(line)
        if !table.caption.isEmpty { lines.insert(Self.printable(table.caption), at: 0) }
        return lines.joined(separator: "\n")
    }

    /// Text without control characters and marks of direction: file names must not steer a terminal.
    ///
    /// - Parameter keepsLines: line feeds and tabs stay.
    public static func printable(_ text: String, keepsLines: Bool = false) -> String {
        VisibleText.of(text, keepsLines: keepsLines)
    }
}
