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
            parts += section.blocks.map { render($0, in: section.heading) }
        }
        return parts.joined(separator: "\n\n") + "\n"
    }

    private func render(_ block: ReportBlock, in heading: String) -> String {
        switch block {
        case .paragraph(let text): LaTeXText.of(text)
        case .warning(let text): "\\textbf{Warning:} \(LaTeXText.of(text))"
        case .verbatim(let text): verbatim(text)
        case .table(let table): render(table, caption: table.caption.isEmpty ? heading : table.caption)
        case .chart(let chart): note("chart", chart.title)
        case .plot(let plot): render(plot.textForm, in: heading)
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

    /// One table as a float with its caption, or several where it is wider than a page.
    public func render(_ table: ReportTable) -> String { render(table, caption: table.caption) }

    /// Floats leave their place: a table needs a caption of its own.
    private func render(_ table: ReportTable, caption: String) -> String {
        let parts = LaTeXLayout.parts(of: table)
        return parts.enumerated().map { number, part in
            float(part, caption: parts.count == 1 ? caption : "\(caption) (part \(number + 1) of \(parts.count))")
        }.joined(separator: "\n\n")
    }

    private func float(_ table: ReportTable, caption: String) -> String {
        let marks = table.marks()
        let layout = LaTeXLayout(table)
        var lines = ["\\begin{table}[htbp]", "\\centering"]
        if !caption.isEmpty { lines.append("\\caption{\(LaTeXText.of(caption))}") }
        if layout.isSmall { lines.append("\\footnotesize\\setlength{\\tabcolsep}{3pt}") }
        lines += ["\\begin{tabular}{\(layout.columns)}", "\\toprule"]
        lines += [layout.header.joined(separator: " & ") + layout.rowEnd, "\\midrule"]
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
            lines.append("{}" + cells.joined(separator: " & ") + layout.rowEnd)
        }
        return (lines + ["\\bottomrule", "\\end{tabular}", "\\end{table}"]).joined(separator: "\n")
    }
}
