import DenseMetrics
import JSONText
import Reporting

/// The result of scoring a folder of label maps.
public struct SemsegScore: Sendable {
    public let coding: LabelCoding
    public let classNames: [String]
    /// Counts of each image, for further intervals and paired comparisons.
    public let evaluation: SegmentationEvaluation
    /// In the order of `SegmentationMetric`, as fractions.
    public let metrics: [MetricValue]
    public let warnings: [RunWarning]

    /// The document of `dmt score semseg --json`.
    public var json: JSONValue {
        .object([
            ("schema_version", .int(1)),
            ("task", .string("semseg")),
            ("images", .int(Int64(evaluation.images.count))),
            ("classes", .int(Int64(coding.classCount))),
            ("ignore_label", coding.ignoreLabel.map { .int(Int64($0)) } ?? .null),
            ("reduce_zero_label", .bool(coding.reducesZeroLabel)),
            ("metrics", .array(metrics.map(\.json))),
            ("class_table", .array(evaluation.classTable(names: classNames).map(Self.json))),
            (
                "warnings",
                .array(
                    warnings.map { .object([("code", .string($0.code)), ("message", .string($0.message))]) })
            ),
        ])
    }

    private static func json(_ row: SegmentationClassRow) -> JSONValue {
        .object([
            ("class", .int(Int64(row.index))),
            ("name", row.name.map { .string($0) } ?? .null),
            ("IoU", JSONValue(finite: row.iou)),
            ("Acc", JSONValue(finite: row.accuracy)),
            ("Dice", JSONValue(finite: row.dice)),
            ("labelled_pixels", .int(Int64(row.labelledPixels))),
            ("predicted_pixels", .int(Int64(row.predictedPixels))),
            ("intersection_pixels", .int(Int64(row.intersection))),
        ])
    }

    /// The score for people: metrics, then the classes that occur.
    public var report: Report {
        var classes = ReportTable(columns: [
            .init("class", .right), .init("name"), .init("IoU", .right), .init("Acc", .right), .init("Dice", .right),
            .init("labelled pixels", .right), .init("predicted pixels", .right),
        ])
        for row in evaluation.classTable(names: classNames) where row.iou != nil {
            classes.add([
                .integer(row.index), .text(row.name ?? ""), .number(row.iou), .number(row.accuracy), .number(row.dice),
                .integer(Int(row.labelledPixels)), .integer(Int(row.predictedPixels)),
            ])
        }
        classes.caption = "\(classes.rows.count) of \(coding.classCount) classes occur in labels or predictions"
        return Report(
            title: "Semantic segmentation",
            introduction: ["\(evaluation.images.count) images, \(coding.classCount) classes."],
            sections: [
                ReportSection(
                    heading: "Metrics",
                    blocks: warnings.map { .warning($0.message) } + [.table(Report.metricTable(metrics))]),
                ReportSection(heading: "Classes", blocks: [.table(classes)]),
            ])
    }
}
