import Reporting

/// Top-k accuracy: the share of pictures whose right class is among the k of highest score.
public enum TopAccuracy {
    /// Classes a picture that predictions keep.
    public static let kept = 5

    /// The classes of each row from the highest score down; the lower index comes first among equals. NaN is never listed.
    ///
    /// - Parameters:
    ///   - scores: `(N, K)` row by row.
    ///   - limit: classes of a row that are kept.
    /// - Returns: `(N)` lists of at most `limit` classes.
    public static func rankings(scores: [Float], classCount: Int, limit: Int = kept) -> [[Int]] {
        precondition(
            classCount > 0 && scores.count % classCount == 0, "top-k: \(scores.count) scores, \(classCount) classes")
        return stride(from: 0, to: scores.count, by: classCount).map { start in
            ranking(scores[start..<start + classCount], limit: limit)
        }
    }

    /// The same of one row.
    static func ranking<Scores: RandomAccessCollection>(_ scores: Scores, limit: Int) -> [Int]
    where Scores.Element: BinaryFloatingPoint {
        var kept: [(index: Int, score: Scores.Element)] = []
        for (index, score) in scores.enumerated() where !score.isNaN {
            if kept.count == limit, let last = kept.last, score <= last.score { continue }
            let place = kept.firstIndex { score > $0.score } ?? kept.count
            kept.insert((index, score), at: place)
            if kept.count > limit { kept.removeLast() }
        }
        return kept.map(\.index)
    }

    /// The accuracy with the standard error `√(p(1−p)/n)` and a Wilson 95 % interval.
    ///
    /// The interval does not shrink to a point at 0 or 1, where the standard error is 0 and says nothing.
    ///
    /// - Parameter rankings: of each picture, classes from the highest score down; none where nothing was predicted.
    public static func metric(name: String = "top1", rankings: [[Int]], labels: [Int], k: Int = 1) -> MetricValue {
        precondition(rankings.count == labels.count, "top-k: \(rankings.count) predictions, \(labels.count) labels")
        let correct = zip(rankings, labels).count { $0.prefix(k).contains($1) }
        return Proportion(successes: correct, count: labels.count).metric(name: name)
    }
}
