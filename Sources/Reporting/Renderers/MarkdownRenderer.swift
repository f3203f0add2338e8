/// GitHub-flavoured Markdown: best numbers bold, second best in italics, charts as tables of first and last value, pictures
/// counted. Never longer than `limit`: what is left out is counted where it would stand.
public struct MarkdownRenderer: ReportRenderer {
    /// Bytes of UTF-8 that a text may have; a comment on GitHub holds 65,536 characters, and a character has a byte or more.
    public var limit: Int

    /// - Precondition: `limit` is 1000 at least.
    public init(limit: Int = 65_535) {
        precondition(limit >= 1000, "Markdown in \(limit) bytes")
        self.limit = limit
    }

    public func render(_ report: Report) -> String {
        var parts: [String] = []
        // First without any cut, then with fewer and fewer rows a table and shorter texts.
        for cut in [Cut()] + [200, 100, 50, 20, 10, 5].map({ Cut(rows: $0, characters: 2000) }) {
            parts = self.parts(report, cut)
            if size(parts) <= limit { return joined(parts) }
        }
        return joined(leading(parts))
    }

    /// What of long blocks is shown.
    private struct Cut {
        var rows = Int.max
        var characters = Int.max

        func callAsFunction(_ text: String) -> String { VisibleText.shortened(text, to: characters) }
    }

    private func joined(_ parts: [String]) -> String { parts.joined(separator: "\n\n") + "\n" }

    private func size(_ parts: [String]) -> Int { parts.reduce(0) { $0 + $1.utf8.count + 2 } }

    /// As many parts from the first on as there is room for, and a line that counts the others.
    private func leading(_ parts: [String]) -> [String] {
        let room = limit - 200
        var (kept, used) = ([String](), 0)
        for part in parts {
            used += part.utf8.count + 2
            if used > room { break }
            kept.append(part)
        }
        return kept + [
            "*\(parts.count - kept.count) of \(parts.count) parts of this report are left out: it is too long.*"
        ]
    }

    private func parts(_ report: Report, _ cut: Cut) -> [String] {
        var parts = ["# \(Self.line(cut(report.title)))"]
        parts += report.introduction.map { Self.line(cut($0)) }
        for section in report.sections {
            parts.append("## \(Self.line(cut(section.heading)))")
            parts += section.blocks.map { render($0, cut) }
        }
        return parts
    }

    func render(_ block: ReportBlock) -> String { render(block, Cut()) }

    private func render(_ block: ReportBlock, _ cut: Cut) -> String {
        switch block {
        case .paragraph(let text): Self.line(cut(text))
        case .warning(let text): "> **Warning:** \(Self.line(cut(text)))"
        case .verbatim(let text): Self.fenced(cut(text))
        case .table(let table): render(table, cut)
        case .chart(let chart): render(chart, cut)
        case .plot(let plot): render(plot.textForm, cut)
        case .pictures(let grid):
            "*\(Self.line(cut(grid.caption))): \(grid.pictures.count) "
                + (grid.pictures.count == 1 ? "picture" : "pictures") + " in the HTML report.*"
        }
    }

    /// One table as Markdown, caption first; of any length.
    public func render(_ table: ReportTable) -> String { render(table, Cut()) }

    private func render(_ table: ReportTable, _ cut: Cut) -> String {
        let header = table.columns.map { column in
            column.direction.map { "\(Self.cell(column.title)) \($0.arrow)" } ?? Self.cell(column.title)
        }
        let marks = table.marks()
        var lines = ["| " + header.joined(separator: " | ") + " |"]
        lines.append("|" + table.columns.map { $0.alignment == .right ? "---:" : ":---" }.joined(separator: "|") + "|")
        for (r, row) in table.rows.prefix(cut.rows).enumerated() {
            let cells = row.enumerated().map { c, cell in
                let text = Self.cell(cell.text)
                return switch marks[r][c] {
                case .best: "**\(text)**"
                case .second: "*\(text)*"
                case .none: text
                }
            }
            lines.append("| " + cells.joined(separator: " | ") + " |")
        }
        if table.rows.count > cut.rows {
            lines.append(
                "\n*\(table.rows.count - cut.rows) of \(table.rows.count) rows are left out: the report is too long.*")
        }
        let text = lines.joined(separator: "\n")
        return table.caption.isEmpty ? text : "\(Self.line(cut(table.caption)))\n\n\(text)"
    }

    private func render(_ chart: LineChart, _ cut: Cut) -> String {
        var table = ReportTable(
            caption: "\(chart.title) (\(chart.yLabel) over \(chart.xLabel))",
            columns: [.init("series"), .init("points", .right), .init("first", .right), .init("last", .right)])
        for series in chart.series {
            table.add([
                .text(series.name), .integer(series.points.count), .number(series.points.first?.y),
                .number(series.points.last?.y),
            ])
        }
        return render(table, cut)
    }

    private static func cell(_ text: String) -> String { escape(oneLine(VisibleText.shortened(text))) }

    /// A paragraph or heading: one line that begins no list, quotation or heading of its own.
    private static func line(_ text: String) -> String {
        let text = escape(oneLine(text))
        guard let first = text.first else { return text }
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        let isNumbered = !digits.isEmpty && [".", ")"].contains(text.dropFirst(digits.count).first)
        if isNumbered { return digits + "\\" + text.dropFirst(digits.count) }
        return "#-+=".contains(first) ? "\\" + text : text
    }

    private static func oneLine(_ text: String) -> String {
        text.split { $0.isNewline }.joined(separator: " ")
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
        return "\(fence)text\n\(VisibleText.of(text, keepsLines: true))\n\(fence)"
    }

    /// Text that Markdown and its HTML readers show as it is. Works on scalars: a combining mark hides no bracket.
    ///
    /// An underscore inside a word stays: GitHub's Markdown gives it no meaning. A word joiner after an at sign keeps a name
    /// from calling a person of that name.
    static func escape(_ text: String) -> String {
        var result = String.UnicodeScalarView()
        let scalars = Array(VisibleText.of(text).unicodeScalars)
        func isLetter(_ place: Int) -> Bool {
            scalars.indices.contains(place)
                && (scalars[place].properties.isAlphabetic || scalars[place].properties.numericType != nil)
        }
        for (place, scalar) in scalars.enumerated() {
            switch scalar {
            case "\\", "`", "*", "[", "]", "|", "~", "$": result.append(contentsOf: ["\\", scalar])
            case "_" where !(isLetter(place - 1) && isLetter(place + 1)): result.append(contentsOf: ["\\", scalar])
            case "@" where isLetter(place + 1): result.append(contentsOf: [scalar, "\u{2060}"])
            case "<": result.append(contentsOf: "&lt;".unicodeScalars)
            case ">": result.append(contentsOf: "&gt;".unicodeScalars)
            case "&": result.append(contentsOf: "&amp;".unicodeScalars)
            default: result.append(scalar)
            }
        }
        return String(result)
    }
}
