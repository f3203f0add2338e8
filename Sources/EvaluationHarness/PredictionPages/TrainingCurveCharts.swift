import JSONText
import Reporting
import SafeFiles

/// The curves of a training run from its `metrics.jsonl`.
struct TrainingCurveCharts {
    /// In order of first appearance.
    private(set) var series: [LineChart.Series] = []

    /// - Throws: `.malformed` for a line that is no object with a step. A torn last line is left out.
    init(_ file: String) throws {
        let bytes = try FileBytes.read(file, limit: 1 << 32)
        var places: [String: Int] = [:]
        let lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: true)
        for (number, line) in lines.enumerated() {
            let isLast = number == lines.count - 1
            guard let record = try? JSONValue.parse(Array(line), file: file), let step = record["step"]?.int,
                let members = record.object
            else {
                if isLast && bytes.last != UInt8(ascii: "\n") { break }
                throw DataError(
                    .malformed, file: file, record: "line \(number + 1)", expected: "an object with a step",
                    found: String(decoding: line.prefix(60), as: UTF8.self),
                    remedy: "give the metrics.jsonl of a training run")
            }
            for (key, value) in members where key != "step" {
                guard let value = value.double else { continue }
                if places[key] == nil {
                    places[key] = series.count
                    series.append(LineChart.Series(name: key, points: []))
                }
                series[places[key]!].points.append(.init(Double(step), value))
            }
        }
    }

    /// One chart for the losses, one for validation, one for everything else that there is.
    func add(to page: inout InspectionPage) {
        var blocks: [ReportBlock] = []
        let losses = series.filter { $0.name.contains("loss") && !$0.name.hasPrefix("validation/") }
        let validation = series.filter { $0.name.hasPrefix("validation/") }
        for (title, name, label, part) in [
            ("Loss", "training_loss", "loss", losses), ("Validation", "training_validation", "metric", validation),
        ] where !part.isEmpty {
            blocks.append(page.chart(LineChart(title: title, xLabel: "step", yLabel: label, series: part), name))
        }
        for other in series where !other.name.contains("loss") && !other.name.hasPrefix("validation/") {
            let chart = LineChart(title: other.name, xLabel: "step", yLabel: other.name, series: [other])
            blocks.append(page.chart(chart, "training_" + RunFolder.slug(other.name)))
        }
        if blocks.isEmpty { blocks.append(.paragraph("The log holds no numbers yet.")) }
        page.sections.append(ReportSection(heading: "Training curves", blocks: blocks))
    }
}
