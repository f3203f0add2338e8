import DenseMetrics
import JSONText
import Reporting
import SafeFiles

extension SemsegScore {
    /// Writes everything that was computed to a folder, which is made if it is not there.
    ///
    /// - Returns: the path of every file written.
    public func write(folder: String) throws -> [String] {
        try Folder.create(folder)
        var written: [String] = []
        func write(_ text: String, _ name: String) throws {
            try AtomicFile.write(text, to: folder + "/" + name)
            written.append(folder + "/" + name)
        }
        try write(json.text(pretty: true) + "\n", "score.json")
        try write(text, "summary.txt")
        try write(classCSV, "per_class.csv")
        try write(imageCSV, "per_image.csv")
        if let confusion { try write(csv(confusion), "confusion.csv") }
        return written
    }

    private static func cell(_ value: Double?) -> String { value.map { "\($0)" } ?? "" }

    private var classCSV: String {
        let head = [
            "class", "name", "IoU", "Acc", "Dice", "labelled_pixels", "predicted_pixels", "intersection_pixels",
        ]
        let rows = evaluation.classTable(names: classNames).map { row in
            ["\(row.index)", row.name ?? ""] + [row.iou, row.accuracy, row.dice].map(Self.cell)
                + [row.labelledPixels, row.predictedPixels, row.intersection].map { "\($0)" }
        }
        return CSVText.text([head] + rows)
    }

    private var imageCSV: String {
        let rows = imageTable.map { row in
            [row.name, Self.cell(row.mIoU), Self.cell(row.pixelAccuracy), "\(row.labelledPixels)"]
        }
        return CSVText.text([["image", "mIoU", "aAcc", "labelled_pixels"]] + rows)
    }

    /// One line a true class, one column a predicted one.
    private func csv(_ matrix: [UInt64]) -> String {
        let count = coding.classCount
        let names = (0..<count).map { $0 < classNames.count ? classNames[$0] : "\($0)" }
        return CSVText.text(
            [["true class"] + names]
                + (0..<count).map { k in [names[k]] + matrix[k * count..<(k + 1) * count].map { "\($0)" } })
    }
}

extension SemsegScore.Comparison {
    private var rows: [(metric: SegmentationMetric, other: Double?, difference: PairedDifference?)] {
        zip(SegmentationMetric.allCases, zip(metrics, differences)).map { ($0, $1.0.value, $1.1) }
    }

    var json: JSONValue {
        let values = rows.map { row -> JSONValue in
            var members: [(String, JSONValue)] = [
                ("name", .string(row.metric.rawValue)), ("value", JSONValue(finite: row.other)),
                ("difference", JSONValue(finite: row.difference?.difference)),
            ]
            if let difference = row.difference {
                members += [
                    ("standard_error", .double(difference.standardError)),
                    (
                        "interval",
                        .array([.double(difference.interval.lower), .double(difference.interval.upper)])
                    ),
                    ("p_value", .double(difference.pValue)), ("method", .string(difference.method)),
                ]
            }
            return .object(members)
        }
        return .object([("predictions", .string(folder)), ("metrics", .array(values))])
    }

    var table: ReportTable {
        var table = ReportTable(columns: [
            .init("metric"), .init("this folder's", .right), .init("difference", .right),
            .init("95 % interval", .right),
            .init("", .left),
        ])
        for row in rows {
            table.add([
                .text(row.metric.rawValue), .number(row.other), .number(row.difference?.difference),
                .text(
                    row.difference.map {
                        "\(NumberText.fixed($0.interval.lower, digits: 4)) to "
                            + NumberText.fixed($0.interval.upper, digits: 4)
                    } ?? ""), .text(row.difference?.verdict ?? "undefined in one of the two"),
            ])
        }
        table.caption = differences.compactMap { $0?.method }.first ?? ""
        return table
    }
}
