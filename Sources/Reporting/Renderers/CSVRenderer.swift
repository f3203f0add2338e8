/// RFC 4180 text of the tables of a report: full precision, decimal point, CR LF line ends.
///
/// Several tables follow each other after an empty line, each under a line with its section and caption. A field that a
/// spreadsheet would run as a formula gets a leading apostrophe.
public struct CSVRenderer: ReportRenderer {
    public init() {}

    public func render(_ report: Report) -> String {
        var parts: [String] = []
        for section in report.sections {
            for case .table(let table) in section.blocks {
                let caption = table.caption.isEmpty ? section.heading : "\(section.heading): \(table.caption)"
                parts.append(Self.line([caption]) + render(table))
            }
        }
        return parts.joined(separator: "\r\n")
    }

    /// One table: a header line, then the rows.
    public func render(_ table: ReportTable) -> String {
        var text = Self.line(table.columns.map(\.title))
        for row in table.rows {
            text += Self.line(row.map { $0.number.map(NumberText.exact) ?? Self.guarded($0.text) })
        }
        return text
    }

    /// The metrics of runs, one line a metric.
    public func render(_ runs: [RunRecord]) -> String {
        var text = Self.line([
            "task", "task_version", "arm", "model", "dataset", "split", "scored_images", "seed", "protocol", "metric",
            "value", "unit", "standard_error", "lower", "upper", "n", "reason",
        ])
        for run in runs {
            let f = run.fields
            for metric in f.metrics {
                let identity = [
                    f.task, "\(f.taskVersion)", f.arm, f.model, f.dataset.name, f.dataset.split,
                    "\(f.dataset.scoredImages)", "\(f.seed)", f.protocolFingerprint.shortHash, metric.name,
                ].map(Self.guarded)
                let numbers = [
                    metric.value, metric.standardError, metric.interval?.lower, metric.interval?.upper,
                ].map { $0.map(NumberText.exact) ?? "" }
                text += Self.line(
                    identity + [numbers[0], metric.unit.rawValue] + numbers[1...]
                        + ["\(metric.sampleCount)", Self.guarded(metric.reason ?? "")])
            }
        }
        return text
    }

    /// The class table of a run.
    public func render(_ table: ClassTable) -> String {
        var text = Self.line(["class"] + table.columns)
        for row in table.rows {
            text += Self.line([Self.guarded(row.name)] + row.values.map { $0.map(NumberText.exact) ?? "" })
        }
        return text
    }

    /// A text that a spreadsheet would run as a formula, behind an apostrophe; every other text as it is.
    public static func guarded(_ text: String) -> String {
        guard let first = text.first, "=+-@\t".contains(first) else { return text }
        return "'" + text
    }

    private static func line(_ fields: [String]) -> String {
        fields.map { field in
            field.unicodeScalars.contains { "\",\r\n".unicodeScalars.contains($0) }
                ? "\"" + field.replacing("\"", with: "\"\"") + "\"" : field
        }.joined(separator: ",") + "\r\n"
    }
}
