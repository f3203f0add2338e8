/// A matrix of cells whose colour tells a number, such as a confusion matrix.
public struct HeatMap: Sendable, Equatable {
    public struct Cell: Sendable, Equatable {
        /// What the colour tells; nil leaves the cell empty.
        public var value: Double?
        /// What stands in the cell.
        public var text: String

        public init(value: Double?, text: String) {
            self.value = value
            self.text = text
        }
    }

    public var title: String
    public var rowLabel: String
    public var columnLabel: String
    /// What the colour stands for: "share of the row".
    public var valueLabel: String
    public var rows: [String]
    public var columns: [String]
    /// `cells[row][column]`.
    public var cells: [[Cell]]
    /// The values of the palest and the fullest colour.
    public var range: ClosedRange<Double>

    /// - Precondition: one cell for each row and column.
    public init(
        title: String, rowLabel: String, columnLabel: String, valueLabel: String, rows: [String], columns: [String],
        cells: [[Cell]], range: ClosedRange<Double> = 0...1
    ) {
        precondition(
            cells.count == rows.count && cells.allSatisfy { $0.count == columns.count },
            "heat map: cells for \(rows.count) rows of \(columns.count)")
        self.title = title
        self.rowLabel = rowLabel
        self.columnLabel = columnLabel
        self.valueLabel = valueLabel
        self.rows = rows
        self.columns = columns
        self.cells = cells
        self.range = range
    }

    /// One row a row, the cells' texts with their values behind them.
    public var table: ReportTable {
        var table = ReportTable(
            caption: "\(title) (rows: \(rowLabel), columns: \(columnLabel))",
            columns: [.init(rowLabel)] + columns.map { .init($0, .right) })
        for (name, row) in zip(rows, cells) {
            table.add([.text(name)] + row.map { ReportTable.Cell(text: $0.text, number: $0.value) })
        }
        return table
    }
}
