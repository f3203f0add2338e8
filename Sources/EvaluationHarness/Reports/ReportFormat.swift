import JSONText
import Reporting
import SafeFiles

/// The forms a report can be printed in.
public enum ReportFormat: String, Sendable, CaseIterable {
    case terminal, markdown, csv, json, latex, html

    /// The form that a file's ending stands for; nil for others.
    public init?(ofFile path: String) {
        switch path.split(separator: ".").last?.lowercased() {
        case "txt": self = .terminal
        case "md": self = .markdown
        case "csv": self = .csv
        case "json": self = .json
        case "tex": self = .latex
        case "html", "htm": self = .html
        default: return nil
        }
    }

    /// - Parameter usesStyle: whether a terminal may show bold.
    public func render(_ report: Report, usesStyle: Bool = false) -> String {
        switch self {
        case .terminal: TerminalRenderer(usesStyle: usesStyle).render(report)
        case .markdown: MarkdownRenderer().render(report)
        case .csv: CSVRenderer().render(report)
        case .json: JSONRenderer().render(report)
        case .latex: LaTeXRenderer().render(report)
        case .html: HTMLRenderer().render(report)
        }
    }
}

extension CommandSession {
    /// Writes a whole text to a file, which is named among the files written, or to standard output.
    ///
    /// - Throws: `.cannotWrite`, `.diskFull`.
    public func deliver(_ text: String, to file: String?) throws(DataError) {
        guard group.isLeader else { return }
        guard let file else { return try output.write(text) }
        try AtomicFile.write(text, to: file)
        name(files: [file])
    }
}
