/// Horizontal bars, one a category, with error bars where intervals are known.
public struct BarChart: Sendable, Equatable {
    public struct Bar: Sendable, Equatable {
        public var name: String
        /// Nil where the number is undefined.
        public var value: Double?
        public var interval: Interval?

        public init(name: String, value: Double?, interval: Interval? = nil) {
            self.name = name
            self.value = value
            self.interval = interval
        }
    }

    public var title: String
    /// What the lengths are.
    public var valueLabel: String
    /// From the top.
    public var bars: [Bar]

    public init(title: String, valueLabel: String, bars: [Bar]) {
        self.title = title
        self.valueLabel = valueLabel
        self.bars = bars
    }

    /// One row a bar.
    public var table: ReportTable {
        let isBounded = bars.contains { $0.interval != nil }
        var table = ReportTable(
            caption: title,
            columns: [.init("name"), .init(valueLabel, .right)]
                + (isBounded ? [.init("lower", .right), .init("upper", .right)] : []))
        for bar in bars {
            table.add(
                [.text(bar.name), .number(bar.value)]
                    + (isBounded ? [.number(bar.interval?.lower), .number(bar.interval?.upper)] : []))
        }
        return table
    }
}
