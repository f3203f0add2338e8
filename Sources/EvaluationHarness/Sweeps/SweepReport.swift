import Foundation
import JSONText
import Reporting
import SafeFiles

/// What a sweep found.
public struct SweepReport {
    let axes: [EvaluationSweep.Axis]
    /// Of each point, one value an axis.
    let values: [[String]]
    let records: [RunRecord]

    /// The metrics that tables and plots show; files of data hold all.
    var shown: [String] {
        let known = ["mIoU", "mAcc", "aAcc", "AP_box", "AP50_box", "AP_mask", "top1", "knn_top1", "linear_top1"]
        let names = records.first?.fields.metrics.map(\.name) ?? []
        let chosen = known.filter(names.contains)
        return chosen.isEmpty ? Array(names.prefix(3)) : chosen
    }

    func write(_ folder: RunFolder) throws(DataError) {
        try folder.write(json.text(pretty: true) + "\n", to: "sweep.json")
        try folder.write(CSVRenderer().render(table(records[0].fields.metrics.map(\.name))), to: "sweep.csv")
        try folder.write(MarkdownRenderer().render(report), to: "sweep.md")
        try folder.write(HTMLRenderer().render(report), to: "sweep.html")
    }

    /// The report for the terminal.
    public var text: String { TerminalRenderer().render(report) }

    /// The document of `--json` and `sweep.json`: every metric of every point.
    public var json: JSONValue {
        .object([
            ("schema_version", .int(1)), ("task", .string(records[0].fields.task)),
            (
                "axes",
                .array(
                    axes.map { axis in
                        .object([
                            ("option", .string(axis.option)), ("values", .array(axis.values.map(JSONValue.string))),
                        ])
                    })
            ),
            (
                "points",
                .array(
                    zip(values, records).map { values, record in
                        .object([
                            ("values", .object(zip(axes, values).map { ($0.option, JSONValue.string($1)) })),
                            ("protocol", .string(record.fields.protocolFingerprint.hash)),
                            ("metrics", .array(record.fields.metrics.map(\.json))),
                        ])
                    })
            ),
            ("warnings", .array(collapses.map(JSONValue.string))),
        ])
    }

    var report: Report {
        let first = records[0].fields
        let blocks: [ReportBlock] =
            collapses.map { .warning($0) } + [.table(table(shown))]
            + shown.flatMap { charts($0).map { ReportBlock.chart($0) } }
        return Report(
            title: "\(axes.map(\.option).joined(separator: " and ")): \(first.arm) on \(first.task)",
            introduction: [
                "\(model), \(first.dataset.coverage). \(records.count) points; each is a run of its own with a protocol "
                    + "of its own. ± is the standard error over images; the points share their images, so differences between "
                    + "points are surer than it says."
            ], sections: [ReportSection(heading: "Points", blocks: blocks)])
    }

    /// The model in words, as far as all points share them.
    private var model: String {
        let words = records.map { $0.fields.model.components(separatedBy: ", ") }
        let shared = words[0].indices.prefix { place in
            words.allSatisfy { $0.prefix(place + 1) == words[0].prefix(place + 1) }
        }
        return shared.isEmpty ? "\(records.count) models" : shared.map { words[0][$0] }.joined(separator: ", ")
    }

    private func table(_ names: [String]) -> ReportTable {
        let directions = Dictionary(
            records[0].fields.metrics.map { ($0.name, $0.direction) }, uniquingKeysWith: { first, _ in first })
        return ReportTable(
            columns: axes.map { .init($0.option, .right) }
                + names.map { .init($0, .right, direction: directions[$0]) },
            rows: zip(values, records).map { values, record in
                values.map { .init(text: $0, number: Double($0)) } + names.map { .metric(record.metric($0)) }
            })
    }

    /// A curve over each axis of numbers, one a combination of the other axes' values.
    private func charts(_ metric: String) -> [LineChart] {
        axes.indices.compactMap { axis in
            let numbers = axes[axis].values.compactMap(Double.init)
            guard numbers.count > 1, numbers.count == axes[axis].values.count else { return nil }
            return LineChart(
                title: "\(metric) over \(axes[axis].option)", xLabel: axes[axis].option, yLabel: metric,
                series: lines(along: axis).map { line in
                    LineChart.Series(
                        name: line.name.isEmpty ? metric : line.name,
                        points: line.points.compactMap { point in
                            guard let x = Double(values[point][axis]), let y = records[point].metric(metric)?.value
                            else { return nil }
                            return .init(x, y)
                        }.sorted { $0.x < $1.x })
                })
        }
    }

    /// The points that differ in one axis alone.
    private func lines(along axis: Int) -> [(name: String, points: [Int])] {
        var lines: [(name: String, points: [Int])] = []
        for point in values.indices {
            let name = axes.indices.filter { $0 != axis }.map { "\(axes[$0].option) \(values[point][$0])" }
                .joined(separator: ", ")
            if let known = lines.firstIndex(where: { $0.name == name }) {
                lines[known].points.append(point)
            } else {
                lines.append((name, [point]))
            }
        }
        return lines
    }

    /// Points whose leading metric is below half of the best along an axis: networks that work at one setting only.
    var collapses: [String] {
        guard let metric = shown.first else { return [] }
        return axes.indices.flatMap { axis in
            lines(along: axis).compactMap { line -> String? in
                let found = line.points.compactMap { point in
                    records[point].metric(metric)?.value.map { (value: $0, setting: values[point][axis]) }
                }
                guard let best = found.max(by: { $0.value < $1.value }),
                    let worst = found.min(by: { $0.value < $1.value }), worst.value < best.value / 2
                else { return nil }
                let rest = line.name.isEmpty ? "" : " (\(line.name))"
                return
                    "\(metric) is \(NumberText.fixed(best.value, digits: 4)) at \(axes[axis].option) \(best.setting) and "
                    + "\(NumberText.fixed(worst.value, digits: 4)) at \(worst.setting)\(rest): less than half."
            }
        }
    }
}
