import Reporting

/// Top-1 accuracy: the share of pictures whose highest score is the right class.
public enum TopOneAccuracy {
    /// The index of the highest score of each row; the lower index wins a tie. NaN never wins.
    ///
    /// - Parameter scores: `(N, K)` row by row.
    /// - Returns: `(N)` class indices; `nil` where a row is all NaN.
    public static func predictions(scores: [Float], classCount: Int) -> [Int?] {
        precondition(
            classCount > 0 && scores.count % classCount == 0, "top-1: \(scores.count) scores, \(classCount) classes")
        return stride(from: 0, to: scores.count, by: classCount).map { start in
            var best: Int?
            for k in 0..<classCount where !scores[start + k].isNaN {
                if let current = best, scores[start + k] <= scores[start + current] { continue }
                best = k
            }
            return best
        }
    }

    /// The accuracy with the standard error `√(p(1−p)/n)` and a Wilson 95 % interval.
    ///
    /// The interval does not shrink to a point at 0 or 1, where the standard error is 0 and says nothing.
    public static func metric(name: String = "top1", predictions: [Int?], labels: [Int]) -> MetricValue {
        precondition(
            predictions.count == labels.count, "top-1: \(predictions.count) predictions, \(labels.count) labels")
        let correct = zip(predictions, labels).count { $0 == $1 }
        return Proportion(successes: correct, count: labels.count).metric(name: name)
    }
}
