/// A table with typed cells. Renderers mark the best cell of each column that has a direction, and where there are enough
/// numbers the second best.
public struct ReportTable: Sendable, Equatable {
    public enum Alignment: Sendable { case left, right }

    public struct Column: Sendable, Equatable {
        public var title: String
        public var alignment: Alignment
        /// Where given, the best number of the column is marked.
        public var direction: MetricValue.Direction?

        public init(_ title: String, _ alignment: Alignment = .left, direction: MetricValue.Direction? = nil) {
            self.title = title
            self.alignment = alignment
            self.direction = direction
        }
    }

    public struct Cell: Sendable, Equatable {
        /// What people read.
        public var text: String
        /// The full number behind the text, for data formats and for finding the best.
        public var number: Double?
        /// The full number behind the text's ±.
        public var spread: Double?

        public init(text: String, number: Double? = nil, spread: Double? = nil) {
            self.text = text
            self.number = number
            self.spread = spread
        }

        public static func text(_ text: String) -> Cell { Cell(text: text) }

        public static func integer(_ value: Int) -> Cell { Cell(text: "\(value)", number: Double(value)) }

        /// A number with fixed decimals, and "–" for none.
        public static func number(_ value: Double?, digits: Int = 4) -> Cell {
            guard let value, value.isFinite else { return Cell(text: "–") }
            return Cell(text: NumberText.fixed(value, digits: digits), number: value)
        }

        /// A metric with its standard error, "0.4123 ± 0.0031".
        public static func metric(_ metric: MetricValue?, digits: Int = 4) -> Cell {
            guard let metric, let value = metric.value else { return Cell(text: "–") }
            return number(value, spread: metric.standardError, digits: digits)
        }

        /// A number with its spread, where it has one.
        public static func number(_ value: Double, spread: Double?, digits: Int = 4) -> Cell {
            var text = NumberText.fixed(value, digits: digits)
            if let spread { text += " ± " + NumberText.fixed(spread, digits: digits) }
            return Cell(text: text, number: value, spread: spread)
        }

        /// The ends of an interval of a difference, "+0.0012 … +0.0184".
        public static func interval(_ interval: Interval) -> Cell {
            .text("\(NumberText.signed(interval.lower, digits: 4)) … \(NumberText.signed(interval.upper, digits: 4))")
        }
    }

    /// What a number is among those of its column.
    public enum Mark: Sendable, Equatable { case none, best, second }

    public var caption: String
    /// Whether the numbers of a column may be ranked; false where rows stand under different rules.
    public var ranks = true
    public private(set) var columns: [Column]
    public private(set) var rows: [[Cell]] = []

    public init(caption: String = "", columns: [Column], rows: [[Cell]] = []) {
        self.caption = caption
        self.columns = columns
        for row in rows { add(row) }
    }

    /// Appends a row.
    ///
    /// - Precondition: one cell a column.
    public mutating func add(_ row: [Cell]) {
        precondition(row.count == columns.count, "table row: \(row.count) cells, \(columns.count) columns")
        rows.append(row)
    }

    /// The table of some of its columns.
    ///
    /// - Precondition: places of columns.
    public func selecting(_ places: [Int]) -> ReportTable {
        var part = ReportTable(
            caption: caption, columns: places.map { columns[$0] }, rows: rows.map { row in places.map { row[$0] } })
        part.ranks = ranks
        return part
    }

    /// For each row and column, whether the cell is the best of its column, or the second best.
    ///
    /// Equal numbers are all best, and a column of fewer than two numbers has none. There is a second best among three
    /// numbers or more, below a single best.
    public func marks() -> [[Mark]] {
        var marks = rows.map { _ in columns.map { _ in Mark.none } }
        guard ranks else { return marks }
        for (c, column) in columns.enumerated() {
            guard let direction = column.direction else { continue }
            let numbers = rows.compactMap { $0[c].number }
            guard numbers.count > 1 else { continue }
            let sorted = numbers.sorted { direction == .higherIsBetter ? $0 > $1 : $0 < $1 }
            let second = sorted.count > 2 && sorted[1] != sorted[0] ? sorted[1] : nil
            for r in rows.indices {
                guard let number = rows[r][c].number else { continue }
                marks[r][c] = number == sorted[0] ? .best : number == second ? .second : .none
            }
        }
        return marks
    }
}
