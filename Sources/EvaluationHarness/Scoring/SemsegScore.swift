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
    /// Pixels by true class and predicted class, `(K, K)`; nil unless asked for.
    public var confusion: [UInt64]?
    /// Nil unless asked for.
    public var comparison: Comparison?
    /// Images in the list of the worst.
    public var worstCount = 10

    init(
        coding: LabelCoding, classNames: [String], evaluation: SegmentationEvaluation, metrics: [MetricValue],
        warnings: [RunWarning], confusion: [UInt64]?
    ) {
        self.coding = coding
        self.classNames = classNames
        self.evaluation = evaluation
        self.metrics = metrics
        self.warnings = warnings
        self.confusion = confusion
    }

    /// The numbers beside those of a second folder of predictions.
    public struct Comparison: Sendable {
        public let folder: String
        /// Of the second folder.
        public let metrics: [MetricValue]
        /// First minus second; nil where either is undefined.
        public let differences: [PairedDifference?]

        init(_ first: SemsegScore, _ second: SemsegScore, folder: String, bootstrap: Bootstrap) {
            self.folder = folder
            metrics = second.metrics
            differences = SegmentationMetric.allCases.map {
                first.evaluation.difference(to: second.evaluation, in: $0, bootstrap: bootstrap)
            }
        }
    }

    /// One image's own scores; nil where it has no scored pixel.
    public struct ImageRow: Sendable {
        public let name: String
        public let mIoU: Double?
        public let pixelAccuracy: Double?
        public let labelledPixels: UInt64

        var json: JSONValue {
            .object([
                ("image", .string(name)), ("mIoU", JSONValue(finite: mIoU)), ("aAcc", JSONValue(finite: pixelAccuracy)),
            ])
        }
    }

    /// In the order of names.
    public var imageTable: [ImageRow] {
        evaluation.images.indices.map { index in
            let counts = evaluation.counts(at: index)
            return ImageRow(
                name: evaluation.images[index], mIoU: SegmentationScores.meanIoU(counts),
                pixelAccuracy: SegmentationScores.pixelAccuracy(counts),
                labelledPixels: counts.labelled.reduce(0, +))
        }
    }

    /// The scored images of the lowest mIoU, equals by name.
    public var worstImages: [ImageRow] {
        let scored = imageTable.filter { $0.labelledPixels > 0 }
        return Array(scored.sorted { ($0.mIoU ?? 0, $0.name) < ($1.mIoU ?? 0, $1.name) }.prefix(worstCount))
    }

    /// The document of `dmt score semseg --json`.
    public var json: JSONValue {
        var members: [(String, JSONValue)] = [
            ("schema_version", .int(1)),
            ("task", .string("semseg")),
            ("images", .int(Int64(evaluation.images.count))),
            ("classes", .int(Int64(coding.classCount))),
            ("ignore_label", coding.ignoreLabel.map { .int(Int64($0)) } ?? .null),
            ("reduce_zero_label", .bool(coding.reducesZeroLabel)),
            ("metrics", .array(metrics.map(\.json))),
            ("class_table", .array(evaluation.classTable(names: classNames).map(Self.json))),
            ("worst_images", .array(worstImages.map(\.json))),
        ]
        if let confusion { members.append(("confusion", rows(of: confusion))) }
        if let comparison { members.append(("comparison", comparison.json)) }
        let notes = warnings.map { warning -> JSONValue in
            .object([("code", .string(warning.code)), ("message", .string(warning.message))])
        }
        members.append(("warnings", .array(notes)))
        return .object(members)
    }

    public var jsonText: String { json.text() }

    /// `report` for the terminal.
    public var text: String { TerminalRenderer().render(report) }

    /// One list a true class.
    private func rows(of matrix: [UInt64]) -> JSONValue {
        let count = coding.classCount
        return .array((0..<count).map { k in .array(matrix[k * count..<(k + 1) * count].map { .int(Int64($0)) }) })
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
        var worst = ReportTable(columns: [.init("image"), .init("mIoU", .right), .init("aAcc", .right)])
        for row in worstImages { worst.add([.text(row.name), .number(row.mIoU), .number(row.pixelAccuracy)]) }
        worst.caption = "images of the lowest mIoU"
        return Report(
            title: "Semantic segmentation",
            introduction: ["\(evaluation.images.count) images, \(coding.classCount) classes."],
            sections: [
                ReportSection(
                    heading: "Metrics",
                    blocks: warnings.map { .warning($0.message) } + [.table(Report.metricTable(metrics))]),
                comparison.map { ReportSection(heading: "Minus \($0.folder)", blocks: [.table($0.table)]) },
                ReportSection(heading: "Classes", blocks: [.table(classes)]),
                worst.rows.isEmpty ? nil : ReportSection(heading: "Worst images", blocks: [.table(worst)]),
            ].compactMap(\.self))
    }
}
