import JSONText
import Reporting

/// What the gate found of one metric, or of the run as a whole.
struct GateFinding: Sendable, Equatable {
    enum Status: String, Sendable {
        case failed
        /// Better than the baseline beyond what the images explain.
        case improved
        case passed
        case informational
        /// Not looked at, because the run as a whole cannot be compared.
        case skipped
    }

    var name: String
    var status: Status
    var rule: GateRule
    var direction = MetricValue.Direction.higherIsBetter
    var baseline: Double?
    var value: Double?
    /// Of the value minus the baseline, where its error is known.
    var difference: ComparedDifference?
    /// Why it failed, one sentence each; else what a reader should know.
    var reasons: [String] = []
    /// How far beyond its limits; undefined and missing metrics are furthest.
    var severity = 0.0

    var change: Double? { value.flatMap { value in baseline.map { value - $0 } } }

    /// The numbers in words: "0.4312 → 0.4099 (−0.0213)".
    var movement: String {
        func text(_ value: Double?) -> String { value.map { NumberText.fixed($0, digits: 4) } ?? "undefined" }
        return "\(text(baseline)) → \(text(value))" + (change.map { " (\(NumberText.signed($0, digits: 4)))" } ?? "")
    }

    var json: JSONValue {
        .object([
            ("metric", .string(name)), ("status", .string(status.rawValue)), ("rule", .string(rule.words)),
            ("baseline", JSONValue(finite: baseline)), ("value", JSONValue(finite: value)),
            ("change", JSONValue(finite: change)),
            ("difference", difference.map { .object($0.json(direction)) } ?? .null),
            ("reasons", .array(reasons.map { .string($0) })),
        ])
    }

    /// Worst first: failures by how far they are beyond, then improvements, then the rest in their order.
    static func sorted(_ findings: [GateFinding]) -> [GateFinding] {
        func rank(_ status: Status) -> Int {
            switch status {
            case .failed: 0
            case .improved: 1
            case .passed: 2
            case .informational: 3
            case .skipped: 4
            }
        }
        return findings.enumerated().sorted { a, b in
            (rank(a.element.status), -a.element.severity, a.offset) < (
                rank(b.element.status), -b.element.severity, b.offset
            )
        }.map(\.element)
    }
}
