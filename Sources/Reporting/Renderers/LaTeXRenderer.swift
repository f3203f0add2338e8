/// LaTeX for a document of class `article` with the package booktabs, and no other: best numbers bold, second best underlined,
/// charts and pictures named.
///
/// Any engine compiles it: every character outside ASCII becomes a command, or its code point where LaTeX has none.
public struct LaTeXRenderer: ReportRenderer {
    public init() {}

    public func render(_ report: Report) -> String {
        var parts = ["% In the preamble: \\usepackage{booktabs}", "\\section*{\(LaTeXText.of(report.title))}"]
        parts += report.introduction.map { LaTeXText.of($0) }
        for section in report.sections {
            parts.append("\\subsection*{\(LaTeXText.of(section.heading))}")
            parts += section.blocks.map(render)
        }
        return parts.joined(separator: "\n\n") + "\n"
    }

    private func render(_ block: ReportBlock) -> String {
        switch block {
        case .paragraph(let text): LaTeXText.of(text)
        case .warning(let text): "\\textbf{Warning:} \(LaTeXText.of(text))"
        case .verbatim(let text): verbatim(text)
        case .table(let table): render(table)
        case .chart(let chart): note("chart", chart.title)
        case .plot(let plot): note("plot", plot.title)
        case .pictures(let grid):
            note(grid.pictures.count == 1 ? "picture" : "\(grid.pictures.count) pictures", grid.caption)
        }
    }

    /// Not the environment of that name: a text may hold its end.
    private func verbatim(_ text: String) -> String {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map { line in
            // A line may begin with a bracket, which would be read as the space after the line above.
            line.isEmpty ? "\\mbox{}" : "{}" + LaTeXText.of(String(line))
        }
        return "\\begin{quote}\\ttfamily\\raggedright\n" + lines.joined(separator: "\\\\\n") + "\n\\end{quote}"
    }

    private func note(_ what: String, _ title: String) -> String {
        "\\emph{Left out here, in the HTML report: \(what), \(LaTeXText.of(VisibleText.shortened(title))).}"
    }

    /// One table as a float with its caption.
    public func render(_ table: ReportTable) -> String {
        let marks = table.marks()
        let header = table.columns.map { column in
            LaTeXText.of(VisibleText.shortened(column.title))
                + (column.direction.map { $0 == .higherIsBetter ? " $\\uparrow$" : " $\\downarrow$" } ?? "")
        }
        let layout = LaTeXLayout(table)
        var lines = ["\\begin{table}[htbp]", "\\centering"]
        if !table.caption.isEmpty { lines.append("\\caption{\(LaTeXText.of(table.caption))}") }
        if layout.isNarrow { lines.append("\\footnotesize\\setlength{\\tabcolsep}{3pt}") }
        lines += [
            "\\begin{tabular}{\(layout.columns)}", "\\toprule", header.joined(separator: " & ") + " \\\\", "\\midrule",
        ]
        for (r, row) in table.rows.enumerated() {
            let cells = row.enumerated().map { c, cell in
                let text = LaTeXText.of(VisibleText.shortened(cell.text), isNumber: cell.number != nil)
                let marked =
                    switch marks[r][c] {
                    case .best: "\\textbf{\(text)}"
                    case .second: "\\underline{\(text)}"
                    case .none: text
                    }
                return layout.cell(marked, column: c)
            }
            lines.append("{}" + cells.joined(separator: " & ") + " \\\\")
        }
        return (lines + ["\\bottomrule", "\\end{tabular}", "\\end{table}"]).joined(separator: "\n")
    }
}

/// Columns that fit the 345 points between the margins of an article, as far as numbers leave room: columns of long texts break
/// their lines.
private struct LaTeXLayout {
    /// Whether the table needs small letters.
    let isNarrow: Bool
    /// The letters of `tabular`.
    let columns: String
    private let breaks: [Bool]

    /// Letters of the usual and of the small size on a line.
    private static let line = (usual: 70.0, small: 88.0)
    /// Letters of a column that never breaks.
    private static let short = 10.0

    init(_ table: ReportTable) {
        let lengths = table.columns.enumerated().map { c, column in
            let longest = table.rows.map { min($0[c].text.unicodeScalars.count, VisibleText.cellLimit) }.max() ?? 0
            return Double(max(longest, column.title.unicodeScalars.count + (column.direction == nil ? 0 : 2)))
        }
        let gaps = 2 * Double(lengths.count)
        isNarrow = lengths.reduce(gaps, +) > Self.line.usual
        let isText = table.columns.map { $0.alignment == .left }
        guard isNarrow, lengths.reduce(gaps, +) > Self.line.small else {
            breaks = lengths.map { _ in false }
            columns = isText.map { $0 ? "l" : "r" }.joined()
            return
        }
        let breaks = zip(lengths, isText).map { $0 > Self.short && $1 }
        let fixed = zip(lengths, breaks).reduce(gaps) { $0 + ($1.1 ? 0 : $1.0) }
        // Roots, so that one long column leaves the others their words.
        let shares = zip(lengths, breaks).map { $1 ? $0.squareRoot() : 0 }
        let room = max(0, Self.line.small - fixed)
        let sum = max(shares.reduce(0, +), 1)
        columns = lengths.indices.map { c in
            guard breaks[c] else { return isText[c] ? "l" : "r" }
            let letters = min(lengths[c] + 1, max(Self.short, room * shares[c] / sum))
            return "p{\(NumberText.fixed(letters / Self.line.small, digits: 3))\\linewidth}"
        }.joined()
        self.breaks = breaks
    }

    /// A cell's text; in a column that breaks lines ragged, and words may end after a slash or an underscore.
    func cell(_ text: String, column: Int) -> String {
        guard breaks[column] else { return text }
        let parts = text.replacing("/", with: "/\\allowbreak{}").replacing("\\_", with: "\\_\\allowbreak{}")
        return "{\\raggedright \(parts)\\par}"
    }
}
