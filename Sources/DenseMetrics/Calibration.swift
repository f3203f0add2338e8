/// Whether confidence is what it says: predictions in bins of their confidence, with the share of each bin that is right.
public struct Calibration: Sendable, Hashable {
    public struct Bin: Sendable, Hashable {
        /// `lower < c <= upper`; the first bin holds 0 too.
        public var lower, upper: Double
        public var count: Int
        /// The mean of the bin's confidences; nil where it is empty.
        public var confidence: Double?
        /// The share that is right; nil where it is empty.
        public var accuracy: Double?
    }

    public let bins: [Bin]
    public let count: Int
    /// `Σ n_b / n · |accuracy_b - confidence_b|`; nil without predictions.
    public let expectedError: Double?

    /// - Parameters:
    ///   - predictions: confidences and whether each is right.
    ///   - binCount: bins of equal width.
    /// - Returns: nil where a confidence is no number from 0 to 1.
    /// - Precondition: `binCount ≥ 1`.
    /// - Source: Guo, Pleiss, Sun, Weinberger 2017, arXiv:1706.04599, equation 5.
    public init?(_ predictions: [(confidence: Double, isRight: Bool)], binCount: Int = 10) {
        precondition(binCount >= 1, "\(binCount) bins of confidence")
        guard predictions.allSatisfy({ $0.confidence >= 0 && $0.confidence <= 1 }) else { return nil }
        var (counts, right) = ([Int](repeating: 0, count: binCount), [Int](repeating: 0, count: binCount))
        var sums = [Double](repeating: 0, count: binCount)
        for (confidence, isRight) in predictions {
            let bin = min(max(Int((confidence * Double(binCount)).rounded(.up)) - 1, 0), binCount - 1)
            counts[bin] += 1
            sums[bin] += confidence
            if isRight { right[bin] += 1 }
        }
        bins = (0..<binCount).map { bin in
            Bin(
                lower: Double(bin) / Double(binCount), upper: Double(bin + 1) / Double(binCount), count: counts[bin],
                confidence: counts[bin] == 0 ? nil : sums[bin] / Double(counts[bin]),
                accuracy: counts[bin] == 0 ? nil : Double(right[bin]) / Double(counts[bin]))
        }
        count = predictions.count
        guard count > 0 else {
            expectedError = nil
            return
        }
        var error = 0.0
        for bin in bins {
            guard let confidence = bin.confidence, let accuracy = bin.accuracy else { continue }
            error += Double(bin.count) / Double(count) * abs(accuracy - confidence)
        }
        expectedError = error
    }
}
