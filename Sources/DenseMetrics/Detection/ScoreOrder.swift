import CMetricKernels

/// The order of scores that every evaluation of detections uses.
enum ScoreOrder {
    /// Positions from high to low score, equals in their given order.
    static func descending(_ scores: some Collection<Double>) -> [Int] {
        let scores = Array(scores)
        var order = [UInt32](repeating: 0, count: scores.count)
        var scratch = order
        dmt_order_scores(scores, scores.count, &order, &scratch)
        return order.map(Int.init)
    }
}
