/// RFC 4180 text of the tables of a report: full precision, decimal point, CR LF line ends.
///
/// Numbers are the shortest decimals that read back as the same doubles; a column whose numbers have a ± is followed by one of
/// those. Several tables follow each other after an empty line, each under a line with its section and caption. A text that a
/// spreadsheet would run as a formula gets a leading apostrophe; numbers never do.
public struct CSVRenderer: ReportRenderer {
    public init() {}

    public func render(_ report: Report) -> String {
        var parts: [String] = []
        for section in report.sections {
            for case .table(let table) in section.blocks {
                let caption = table.caption.isEmpty ? section.heading : "\(section.heading): \(table.caption)"
                parts.append(Self.line([Self.guarded(caption)]) + render(table))
            }
        }
        return parts.joined(separator: "\r\n")
    }

    /// One table: a header line, then the rows.
    public func render(_ table: ReportTable) -> String {
        let spreads = table.columns.indices.map { c in table.rows.contains { $0[c].spread != nil } }
        var text = Self.line(
            zip(table.columns, spreads).flatMap { column, hasSpread in
                [Self.guarded(column.title)] + (hasSpread ? [Self.guarded(column.title + " ±")] : [])
            })
        for row in table.rows {
            text += Self.line(
                zip(row, spreads).flatMap { cell, hasSpread in
                    [cell.number.map(NumberText.exact) ?? Self.guarded(cell.text)]
                        + (hasSpread ? [cell.spread.map(NumberText.exact) ?? ""] : [])
                })
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
        var text = Self.line((["class"] + table.columns).map(Self.guarded))
        for row in table.rows {
            text += Self.line([Self.guarded(row.name)] + row.values.map { $0.map(NumberText.exact) ?? "" })
        }
        return text
    }

    /// - Source: OWASP, "CSV Injection": the characters that spreadsheets take for the beginning of a formula, full-width forms
    ///   among them. Works on scalars: a combining mark hides no equals sign.
    public static func guarded(_ text: String) -> String {
        guard let first = text.unicodeScalars.first,
            "=+-@\t\r\n\u{FF1D}\u{FF0B}\u{FF0D}\u{FF20}".unicodeScalars.contains(first), Double(text) == nil
        else { return text }
        return "'" + text
    }

    private static func line(_ fields: [String]) -> String {
        fields.map(CSVText.field).joined(separator: ",") + "\r\n"
    }
}
