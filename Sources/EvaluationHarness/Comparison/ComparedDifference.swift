import JSONText
import Reporting

/// What a difference says of the second of two runs.
enum ComparisonVerdict: String, Sendable {
    case better, worse
    case noEvidence = "no evidence"
}

/// A metric of one run minus that of a reference, with what is known of its error.
struct ComparedDifference: Sendable, Equatable {
    var difference: Double
    var standardError: Double
    var interval: Interval
    var pValue: Double
    /// Holm's, where several were asked at once; else `pValue`.
    var adjustedP: Double
    var method: String

    init(_ paired: PairedDifference) {
        difference = paired.difference
        standardError = paired.standardError
        interval = paired.interval
        pValue = paired.pValue
        adjustedP = paired.pValue
        method = paired.method
    }

    init(_ unpaired: UnpairedDifference) {
        difference = unpaired.difference
        standardError = unpaired.standardError
        interval = unpaired.interval
        pValue = unpaired.pValue
        adjustedP = unpaired.pValue
        method = UnpairedDifference.method
    }

    /// Whether the interval leaves zero out and p stays below 0.05 however many were asked.
    var isEvident: Bool { !interval.contains(0) && adjustedP < 0.05 }

    func verdict(_ direction: MetricValue.Direction) -> ComparisonVerdict {
        guard isEvident else { return .noEvidence }
        return (difference > 0) == (direction == .higherIsBetter) ? .better : .worse
    }

    func json(_ direction: MetricValue.Direction) -> [(String, JSONValue)] {
        [
            ("difference", JSONValue(finite: difference)), ("standard_error", JSONValue(finite: standardError)),
            ("interval", .array([JSONValue(finite: interval.lower), JSONValue(finite: interval.upper)])),
            ("level", .double(interval.level)), ("p", JSONValue(finite: pValue)),
            ("p_holm", JSONValue(finite: adjustedP)), ("verdict", .string(verdict(direction).rawValue)),
            ("method", .string(method)),
        ]
    }
}

extension [ComparedDifference?] {
    /// Holm's correction over the differences that are there.
    func holm() -> [ComparedDifference?] {
        let places = indices.filter { self[$0] != nil }
        var result = self
        for (place, p) in zip(places, PairedSeeds.holm(places.map { self[$0]!.pValue })) {
            result[place]?.adjustedP = p
        }
        return result
    }
}
