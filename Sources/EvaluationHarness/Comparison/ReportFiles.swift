import Reporting
import SafeFiles

/// Where a report goes besides standard output.
public struct ReportFiles: Sendable {
    public var markdown: String?
    public var html: String?
    public var csv: String?

    public init(markdown: String? = nil, html: String? = nil, csv: String? = nil) {
        self.markdown = markdown
        self.html = html
        self.csv = csv
    }

    /// Writes what is asked for.
    ///
    /// - Returns: the files.
    public func write(_ report: Report) throws(DataError) -> [String] {
        var written: [String] = []
        func write(_ path: String?, _ text: () -> String) throws(DataError) {
            guard let path else { return }
            try AtomicFile.write(text(), to: path)
            written.append(path)
        }
        try write(markdown) { MarkdownRenderer().render(report) }
        try write(html) { HTMLRenderer().render(report) }
        try write(csv) { CSVRenderer().render(report) }
        return written
    }
}
