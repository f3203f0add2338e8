import DenseMetrics
import Reporting

/// A confusion matrix as a heat map, and the classes most often taken for others.
struct ConfusionChart {
    /// Classes that still have legible cells.
    private static let classLimit = 20
    private static let listLimit = 10

    private let title: String
    /// Names of the rows and columns; the last of a detector's stand for nothing.
    private let rows: [String]
    private let columns: [String]
    private let counts: [[UInt64]]
    /// Rows and columns beyond are no classes.
    private let classCount: Int
    private let unit: String
    private let data: String

    init(_ confusion: CocoConfusion, names: [Int64: String]) {
        let classes = confusion.categoryIDs.map { names[$0] ?? "\($0)" }
        title =
            "Which classes are taken for which, IoU \(NumberText.short(confusion.threshold)), scores from "
            + NumberText.short(confusion.minimumScore)
        rows = classes + ["nothing"]
        columns = classes + ["not found"]
        counts = (0..<confusion.side).map { truth in
            (0..<confusion.side).map { UInt64(confusion[truth, $0]) }
        }
        classCount = classes.count
        unit = "objects"
        data = confusion.csv(names)
    }

    /// Of pictures or pixels, true class by predicted class.
    ///
    /// - Parameter counts: `(K, K)`, row by row.
    init(title: String, classes: [String], counts: [UInt64], unit: String) {
        self.title = title
        rows = classes
        columns = classes
        classCount = classes.count
        self.counts = classes.indices.map { row in
            Array(counts[row * classes.count..<(row + 1) * classes.count])
        }
        self.unit = unit
        data = CSVText.text(
            [["truth"] + classes.map(CSVRenderer.guarded)]
                + zip(classes, self.counts).map { [CSVRenderer.guarded($0)] + $1.map { "\($0)" } })
    }

    func blocks(_ page: inout InspectionPage) -> [ReportBlock] {
        var blocks: [ReportBlock] = [page.plot(.heatMap(map), "confusion", data: data)]
        if shown.count < classCount {
            blocks.append(
                .paragraph(
                    "Drawn are the \(shown.count) of \(classCount) classes with most confusions; the data file holds "
                        + "all."))
        }
        let top = mixed.prefix(Self.listLimit)
        if !top.isEmpty {
            var table = ReportTable(
                caption: "Most frequent confusions.",
                columns: [
                    .init("truth"), .init("taken for"), .init(unit, .right), .init("share of the truth", .right),
                ])
            for entry in top {
                let sum = counts[entry.truth].reduce(0, +)
                table.add([
                    .text(rows[entry.truth]), .text(columns[entry.predicted]), .integer(Int(entry.count)),
                    .number(Double(entry.count) / Double(sum), digits: 3),
                ])
            }
            blocks.append(.table(table))
        }
        return blocks
    }

    /// Classes taken for others, the most frequent first.
    private var mixed: [(count: UInt64, truth: Int, predicted: Int)] {
        var mixed: [(count: UInt64, truth: Int, predicted: Int)] = []
        for truth in 0..<classCount {
            for predicted in 0..<classCount where truth != predicted && counts[truth][predicted] > 0 {
                mixed.append((counts[truth][predicted], truth, predicted))
            }
        }
        return mixed.sorted { ($1.count, $0.truth, $0.predicted) < ($0.count, $1.truth, $1.predicted) }
    }

    /// Classes of the picture, in their order.
    private var shown: [Int] {
        guard classCount > Self.classLimit else { return Array(0..<classCount) }
        var chosen: Set<Int> = []
        for entry in mixed where chosen.count < Self.classLimit {
            chosen.insert(entry.truth)
            if chosen.count < Self.classLimit { chosen.insert(entry.predicted) }
        }
        for index in 0..<classCount where chosen.count < Self.classLimit { chosen.insert(index) }
        return chosen.sorted()
    }

    private var map: HeatMap {
        let extra = Array(classCount..<rows.count)
        let places = shown + extra
        let cells = places.map { row in
            let sum = Double(counts[row].reduce(0, +))
            return places.map { column -> HeatMap.Cell in
                let count = counts[row][column]
                return HeatMap.Cell(
                    value: sum == 0 ? nil : Double(count) / sum, text: count == 0 ? "" : Self.text(count))
            }
        }
        return HeatMap(
            title: title, rowLabel: "truth", columnLabel: "prediction",
            valueLabel: "share of the row (\(unit) in cells)",
            rows: places.map { rows[$0] }, columns: places.map { columns[$0] }, cells: cells)
    }

    /// At most four letters.
    private static func text(_ count: UInt64) -> String {
        switch count {
        case ..<1000: "\(count)"
        case ..<9950: NumberText.fixed(Double(count) / 1e3, digits: 1) + "k"
        case ..<999_500: "\((count + 500) / 1000)k"
        case ..<9_950_000: NumberText.fixed(Double(count) / 1e6, digits: 1) + "M"
        case ..<999_500_000: "\((count + 500_000) / 1_000_000)M"
        default: "\((count + 500_000_000) / 1_000_000_000)G"
        }
    }
}
