/// Plain text for terminals and logs: aligned columns, a star at the best number, bold only when asked.
public struct TerminalRenderer: ReportRenderer {
    /// Whether escape sequences may be used; the caller knows about terminals and `NO_COLOR`.
    public var usesStyle: Bool

    public init(usesStyle: Bool = false) { self.usesStyle = usesStyle }

    public func render(_ report: Report) -> String {
        var parts = [heading(report.title, "=")]
        parts += report.introduction.map(Self.printable)
        for section in report.sections {
            parts.append(heading(section.heading, "-"))
            parts += section.blocks.map(render)
        }
        return parts.joined(separator: "\n\n") + "\n"
    }

    private func heading(_ text: String, _ rule: String) -> String {
        let text = Self.printable(text)
        return (usesStyle ? "\u{1B}[1m\(text)\u{1B}[0m" : text) + "\n" + String(repeating: rule, count: text.count)
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
        let best = table.bestCells()
        let header = table.columns.map { column in
            Self.printable(column.title) + (column.direction.map { " \($0.arrow)  " } ?? "")
        }
        let body = table.rows.enumerated().map { r, row in
            row.enumerated().map { c, cell in
                Self.printable(cell.text)
                    + (table.columns[c].direction == nil ? "" : best[r][c] ? " *" : "  ")
            }
        }
        let widths = table.columns.indices.map { c in ([header[c]] + body.map { $0[c] }).map(\.count).max() ?? 0 }
        func line(_ cells: [String]) -> String {
            let padded = cells.enumerated().map { c, cell in
                let space = String(repeating: " ", count: widths[c] - cell.count)
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

    /// Text without control characters: file names must not steer a terminal.
    static func printable(_ text: String) -> String {
        String(
            String.UnicodeScalarView(
                text.unicodeScalars.map { $0.value < 0x20 || (0x7F...0x9F).contains($0.value) ? "\u{FFFD}" : $0 }))
    }
}
