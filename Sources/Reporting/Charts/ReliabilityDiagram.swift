/// How often predictions of a confidence are right: one bar a bin of confidence, beside the diagonal of a calibrated model.
///
/// - Source: Guo, Pleiss, Sun, Weinberger 2017, arXiv:1706.04599, figure 1.
public struct ReliabilityDiagram: Sendable, Equatable {
    public struct Bin: Sendable, Equatable {
        public var lower, upper: Double
        public var count: Int
        /// Of the bin's predictions; nil where it has none.
        public var confidence: Double?
        /// The share that is right; nil where the bin is empty.
        public var accuracy: Double?

        public init(lower: Double, upper: Double, count: Int, confidence: Double?, accuracy: Double?) {
            self.lower = lower
            self.upper = upper
            self.count = count
            self.confidence = confidence
            self.accuracy = accuracy
        }
    }

    public var title: String
    /// What "right" is called: "precision", "accuracy".
    public var valueLabel: String
    /// Ascending, of equal width, from 0 to 1.
    public var bins: [Bin]
    /// The mean distance of confidence and share, weighted by the bins' counts.
    public var expectedError: Double?

    public init(title: String, valueLabel: String, bins: [Bin], expectedError: Double?) {
        self.title = title
        self.valueLabel = valueLabel
        self.bins = bins
        self.expectedError = expectedError
    }

    /// One row a bin.
    public var table: ReportTable {
        var table = ReportTable(
            caption: title + (expectedError.map { ": ECE \(NumberText.fixed($0, digits: 4))" } ?? ""),
            columns: [
                .init("from", .right), .init("to", .right), .init("predictions", .right),
                .init("mean confidence", .right), .init(valueLabel, .right),
            ])
        for bin in bins {
            table.add([
                .number(bin.lower, digits: 2), .number(bin.upper, digits: 2), .integer(bin.count),
                .number(bin.confidence), .number(bin.accuracy),
            ])
        }
        return table
    }
}
