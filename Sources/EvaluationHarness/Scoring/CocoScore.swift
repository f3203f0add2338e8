import DenseMetrics
import Foundation
import JSONText
import Reporting

/// The answer of `dmt score coco`.
public struct CocoScore: Sendable {
    public let summary: CocoSummary
    /// Per-image matches: what a bootstrap over images counts again.
    public let matches: CocoMatches
    public let names: [Int64: String]
    /// One a number of the summary; empty unless asked for.
    public let errors: [SampledError?]
    /// The numbers of each class, in the order of the classes' ids; empty unless asked for.
    public var perClass: [[CocoMetric]] = []
    /// Nil unless asked for, as all that follows.
    public var curves: CocoCurves?
    public var tide: TideReport?
    public var confusion: CocoConfusion?
    public var comparison: Comparison?

    /// The numbers beside those of a second results file.
    public struct Comparison: Sendable {
        public var file: String
        public var summary: CocoSummary
        /// First minus second, number by number.
        public var differences: [(name: String, difference: PairedDifference)]
    }

    init(summary: CocoSummary, matches: CocoMatches, names: [Int64: String], errors: [SampledError?]) {
        self.summary = summary
        self.matches = matches
        self.names = names
        self.errors = errors
    }

    func name(_ id: Int64) -> String { names[id] ?? "" }

    /// The JSON document of `dmt score coco --json`.
    public var json: JSONValue {
        var members: [(String, JSONValue)] = [
            ("schema_version", .int(1)), ("iou_type", .string(summary.settings.overlap.rawValue)),
            ("stats", .array(summary.stats.map { .double($0) })),
            (
                "metrics",
                .array(
                    summary.metrics.enumerated().map { index, metric in
                        var members: [(String, JSONValue)] = [
                            ("name", .string(metric.name)), ("value", JSONValue(finite: metric.value)),
                        ]
                        if !errors.isEmpty { members += Self.json(errors[index]) }
                        return .object(members)
                    })
            ),
        ]
        if !perClass.isEmpty {
            members.append(
                (
                    "per_class",
                    .array(
                        zip(matches.categoryIDs, perClass).map { id, metrics in
                            .object(
                                [("category_id", .int(id)), ("name", .string(name(id)))]
                                    + metrics.map { ($0.name, JSONValue(finite: $0.value)) })
                        })
                ))
        }
        if let tide { members.append(("tide", tide.json)) }
        if let confusion { members.append(("confusion", confusion.json)) }
        if let comparison { members.append(("comparison", comparison.json)) }
        members.append(("warnings", .array(warnings.map { .string($0) })))
        return .object(members)
    }

    private static func json(_ error: SampledError?) -> [(String, JSONValue)] {
        guard let error else { return [("standard_error", .null), ("interval", .null)] }
        return [
            ("standard_error", .double(error.standardError)),
            ("interval", .array([.double(error.interval.lower), .double(error.interval.upper)])),
            ("error_method", .string(error.method)),
        ]
    }

    public var jsonText: String { json.text(pretty: true) }

    /// Known surprises of the input, each with advice.
    public var warnings: [String] { summary.warnings.map(\.description) }

    /// The lines COCO users know, then errors and one line a class where asked for.
    public var lines: [String] {
        summary.lines
            + zip(summary.metrics, errors).map { metric, error in
                guard let error else { return " \(metric.name): no error, too few images have such truths" }
                let digits = { (value: Double) in String(format: "%.4f", value) }
                return " \(metric.name): ± \(digits(error.standardError)), 95 % interval "
                    + "\(digits(error.interval.lower)) to \(digits(error.interval.upper)), \(error.method)"
            }
            + zip(matches.categoryIDs, perClass).map { id, metrics in
                let values = metrics.map { "\($0.name) " + ($0.value.map { NumberText.fixed($0, digits: 3) } ?? "–") }
                return " class \(id) \(name(id)): " + values.joined(separator: ", ")
            }
            + (tide?.lines ?? []) + (confusion?.lines(names) ?? []) + (comparison?.lines ?? [])
    }
}
