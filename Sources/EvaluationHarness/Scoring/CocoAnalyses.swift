import DenseMetrics
import JSONText
import Reporting

extension TideReport {
    /// AP and gains as fractions (tidecv prints them times 100).
    var json: JSONValue {
        .object([
            ("threshold", .double(threshold)), ("background_threshold", .double(backgroundThreshold)),
            ("AP", .double(averagePrecision)),
            ("gains", .object(TideError.allCases.map { ($0.rawValue, .double(gains[$0] ?? 0)) })),
            ("counts", .object(TideError.allCases.map { ($0.rawValue, .int(Int64(counts[$0] ?? 0))) })),
            (
                "special",
                .object([
                    ("FalsePos", .double(falsePositiveGain)), ("FalseNeg", .double(falseNegativeGain)),
                ])
            ),
        ])
    }

    var lines: [String] {
        func number(_ value: Double) -> String { NumberText.fixed(value, digits: 4) }
        return [" TIDE at IoU \(threshold), background \(backgroundThreshold): AP \(number(averagePrecision))"]
            + TideError.allCases.map { kind in
                "   \(kind.rawValue): \(number(gains[kind] ?? 0)) AP lost, errors: \(counts[kind] ?? 0)"
            }
            + [
                "   FalsePos: \(number(falsePositiveGain)) AP lost to all false positives",
                "   FalseNeg: \(number(falseNegativeGain)) AP lost to all objects not found",
            ]
    }
}

extension CocoConfusion {
    private func name(_ index: Int, _ names: [Int64: String], last: String) -> String {
        index == categoryIDs.count ? last : names[categoryIDs[index]] ?? "\(categoryIDs[index])"
    }

    /// Rows are true classes, columns predicted ones; the last of both is nothing.
    var json: JSONValue {
        .object([
            ("threshold", .double(threshold)), ("minimum_score", .double(minimumScore)),
            ("category_ids", .array(categoryIDs.map { .int($0) })),
            (
                "counts",
                .array(
                    (0..<side).map { truth in
                        .array((0..<side).map { .int(Int64(self[truth, $0])) })
                    })
            ),
        ])
    }

    /// A table with a line of column names.
    func csv(_ names: [Int64: String]) -> String {
        let head = ["truth"] + (0..<side).map { CSVRenderer.guarded(name($0, names, last: "not found")) }
        let rows = (0..<side).map { truth in
            [CSVRenderer.guarded(name(truth, names, last: "nothing"))] + (0..<side).map { "\(self[truth, $0])" }
        }
        return CSVText.text([head] + rows)
    }

    /// What is found, missed and made up, and the classes most often taken for others.
    func lines(_ names: [Int64: String]) -> [String] {
        let last = side - 1
        let right = (0..<last).reduce(0) { $0 + self[$1, $1] }
        let missed = (0..<last).reduce(0) { $0 + self[$1, last] }
        let invented = (0..<last).reduce(0) { $0 + self[last, $1] }
        var mixed: [(count: Int, truth: Int, predicted: Int)] = []
        for truth in 0..<last {
            for predicted in 0..<last where truth != predicted && self[truth, predicted] > 0 {
                mixed.append((self[truth, predicted], truth, predicted))
            }
        }
        mixed.sort { ($1.count, $0.truth, $0.predicted) < ($0.count, $1.truth, $1.predicted) }
        let total = mixed.reduce(0) { $0 + $1.count }
        return [
            " Confusion at IoU \(threshold), scores from \(minimumScore): \(right) right, \(total) of another class, "
                + "\(missed) objects not found, \(invented) detections of nothing"
        ]
            + mixed.prefix(10).map { entry in
                "   \(name(entry.truth, names, last: "")) taken for \(name(entry.predicted, names, last: "")): "
                    + "\(entry.count)"
            }
    }
}

extension CocoScore.Comparison {
    var json: JSONValue {
        .object([
            ("file", .string(file)), ("stats", .array(summary.stats.map { .double($0) })),
            (
                "differences",
                .array(
                    differences.map { name, found in
                        .object([
                            ("name", .string(name)), ("difference", .double(found.difference)),
                            ("standard_error", .double(found.standardError)),
                            (
                                "interval",
                                .array([.double(found.interval.lower), .double(found.interval.upper)])
                            ),
                            ("p_value", .double(found.pValue)), ("evident", .bool(found.isEvident)),
                            ("error_method", .string(found.method)),
                        ])
                    })
            ),
        ])
    }

    var lines: [String] {
        func number(_ value: Double) -> String { NumberText.fixed(value, digits: 4) }
        return [" Minus \(file):"]
            + differences.map { name, found in
                "   \(name): \(number(found.difference)), 95 % interval \(number(found.interval.lower)) to "
                    + "\(number(found.interval.upper)): \(found.verdict)"
            }
    }
}

extension CocoCurves {
    /// Precision over recall of every class and threshold, over all areas at the largest limit; null without truth.
    func json(_ names: [Int64: String]) -> JSONValue {
        .object([
            ("schema_version", .int(1)), ("iou_type", .string(settings.overlap.rawValue)),
            ("area", .string("all")), ("max_dets", .int(Int64(settings.maxDetections.last ?? 0))),
            ("iou", .array(settings.iouThresholds.map { .double($0) })),
            ("recall", .array(settings.recallThresholds.map { .double($0) })),
            (
                "classes",
                .array(
                    categoryIDs.indices.prefix(classCount).map { index in
                        let curve = curve(classIndex: index)
                        func rows(_ values: [[Double]]?) -> JSONValue {
                            values.map { .array($0.map { .array($0.map { .double($0) }) }) } ?? .null
                        }
                        return .object([
                            ("category_id", .int(categoryIDs[index])),
                            ("name", .string(names[categoryIDs[index]] ?? "")),
                            ("precision", rows(curve?.precision)), ("scores", rows(curve?.scores)),
                        ])
                    })
            ),
        ])
    }
}
