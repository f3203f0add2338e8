import DenseMetrics
import JSONText
import Reporting

/// The answer of `dmt score panoptic`.
public struct PanopticScore: Sendable {
    /// Counts of each picture, for further intervals and paired comparisons.
    public let evaluation: PanopticEvaluation
    /// PQ, SQ, RQ over all classes, things and stuff, as fractions.
    public let metrics: [MetricValue]
    public let warnings: [String]

    public var json: JSONValue {
        let classes = zip(evaluation.categories, evaluation.classCounts())
        return .object([
            ("schema_version", .int(1)),
            ("task", .string("panoptic")),
            ("images", .int(Int64(evaluation.imageIDs.count))),
            ("metrics", .array(metrics.map(\.json))),
            (
                "per_class",
                .array(
                    classes.map { category, counts in
                        .object([
                            ("category_id", .int(category.id)), ("name", .string(category.name)),
                            ("isthing", .bool(category.isThing)),
                            ("PQ", JSONValue(finite: counts.quality?.pq)),
                            ("SQ", JSONValue(finite: counts.quality?.sq)),
                            ("RQ", JSONValue(finite: counts.quality?.rq)),
                            ("TP", .int(Int64(counts.truePositives))), ("FP", .int(Int64(counts.falsePositives))),
                            ("FN", .int(Int64(counts.falseNegatives))),
                        ])
                    })
            ),
            ("warnings", .array(warnings.map { .string($0) })),
        ])
    }

    /// The table that panopticapi's users know, then errors, then one line a class where asked for.
    public func lines(perClass: Bool) -> [String] {
        func cell(_ text: String, _ width: Int) -> String {
            String(repeating: " ", count: max(0, width - text.count)) + text
        }
        func percent(_ value: Double?) -> String { value.map { NumberText.fixed(100 * $0, digits: 1) } ?? "–" }
        func row(_ name: String, _ quality: PanopticEvaluation.Quality?, _ last: String) -> String {
            let padded = name + String(repeating: " ", count: max(0, 10 - name.count))
            return "\(padded)| \(cell(percent(quality?.pq), 5))  \(cell(percent(quality?.sq), 5))  "
                + "\(cell(percent(quality?.rq), 5)) \(cell(last, 5))"
        }
        var lines = [
            "          | \(cell("PQ", 5))  \(cell("SQ", 5))  \(cell("RQ", 5)) \(cell("N", 5))",
            String(repeating: "-", count: 38),
        ]
        for group in PanopticEvaluation.Group.allCases {
            let mean = evaluation.mean(group)
            lines.append(row(group.rawValue, mean?.quality, "\(mean?.classCount ?? 0)"))
        }
        for metric in metrics {
            guard let error = metric.standardError, let interval = metric.interval else { continue }
            let digits = { (value: Double) in NumberText.fixed(value, digits: 4) }
            lines.append(
                "\(metric.name) \(metric.value.map(digits) ?? "–") ± \(digits(error)), 95 % interval "
                    + "\(digits(interval.lower)) to \(digits(interval.upper)), \(metric.errorMethod ?? "")")
        }
        if perClass {
            for (category, counts) in zip(evaluation.categories, evaluation.classCounts()) {
                lines.append(
                    row("\(category.id)", counts.quality, "")
                        + "  \(category.name): TP \(Int(counts.truePositives)), FP \(Int(counts.falsePositives)), "
                        + "FN \(Int(counts.falseNegatives))")
            }
        }
        return lines
    }
}
