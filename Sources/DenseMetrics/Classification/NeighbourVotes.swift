import CMetricKernels
import Determinism
import Foundation

/// Weighted nearest-neighbour classification of frozen features.
///
/// Features are scaled to length 1; the `k` most similar bank rows vote for their class with weight
/// `exp(cosine / temperature)`.
///
///     score_c = Σ_{i ∈ top k, label_i = c} exp(⟨x, b_i⟩ / τ)
///
/// Ties are settled by order alone: among equally similar bank rows the lower index enters first, among equal scores the
/// lower class wins.
///
/// - Source: DINO eval_knn.py (k 10, 20, 100, 200; τ = 0.07); Wu et al. 2018, arXiv:1805.01978, §3.4.
/// - Complexity: O(M N D) for M queries and N bank rows of D numbers.
public struct NeighbourVotes: Sendable {
    public let neighbourCount: Int
    public let temperature: Double
    public let classCount: Int
    private let width: Int
    private let bank: [Float]
    private let labels: [Int]

    /// - Parameters:
    ///   - bank: `(N, D)` features, row by row, any length; a row of zeros stays zero.
    ///   - labels: `(N)` classes in `0..<classCount`.
    public init(
        bank: [Float], labels: [Int], width: Int, classCount: Int, neighbourCount: Int = 20, temperature: Double = 0.07
    ) {
        precondition(bank.count == labels.count * width, "k-NN: bank \(bank.count), labels \(labels.count) x \(width)")
        precondition(labels.allSatisfy { (0..<classCount).contains($0) }, "k-NN: a label is outside 0..<\(classCount)")
        precondition(neighbourCount >= 1 && temperature > 0, "k-NN: k \(neighbourCount), temperature \(temperature)")
        self.neighbourCount = neighbourCount
        self.temperature = temperature
        self.classCount = classCount
        self.width = width
        self.labels = labels
        self.bank = Self.unitRows(bank, width: width)
    }

    /// Classifies queries.
    ///
    /// - Parameters:
    ///   - queries: `(M, D)` row by row.
    ///   - leavingOut: for query `m`, a bank row that must not vote (the picture itself), or `nil`.
    /// - Returns: `(M)` classes; `nil` where no bank row may vote.
    public func predictions(queries: [Float], leavingOut: [Int?]? = nil) -> [Int?] {
        rankings(queries: queries, leavingOut: leavingOut, limit: 1).map(\.first)
    }

    /// The same with the runners-up: `(M)` lists of at most `limit` classes, most votes first. A class without a vote is not
    /// listed.
    public func rankings(
        queries: [Float], leavingOut: [Int?]? = nil, limit: Int = TopAccuracy.kept
    ) -> [[Int]] {
        precondition(queries.count % width == 0, "k-NN: \(queries.count) numbers, rows of \(width)")
        let count = queries.count / width
        let unit = Self.unitRows(queries, width: width)
        var result = [[Int]](repeating: [], count: count)
        result.withUnsafeMutableBufferPointer { out in
            nonisolated(unsafe) let out = out
            Parallel.forEach(count) { m in
                out[m] = vote(unit, row: m, leavingOut: leavingOut?[m], limit: limit)
            }
        }
        return result
    }

    private func vote(_ queries: [Float], row: Int, leavingOut: Int?, limit: Int) -> [Int] {
        var similarities = [Float](repeating: 0, count: labels.count)
        queries.withUnsafeBufferPointer { query in
            dmt_dot_rows(query.baseAddress! + row * width, bank, labels.count, width, &similarities)
        }
        var scores = [Double](repeating: .nan, count: classCount)
        for i in nearest(similarities, leavingOut: leavingOut) {
            let vote = exp(Double(similarities[i]) / temperature)
            scores[labels[i]] = scores[labels[i]].isNaN ? vote : scores[labels[i]] + vote
        }
        return TopAccuracy.ranking(scores, limit: limit)
    }

    /// The indices of the `k` largest similarities, largest first, lower index first among equals.
    private func nearest(_ similarities: [Float], leavingOut: Int?) -> [Int] {
        var kept: [Int] = []
        kept.reserveCapacity(neighbourCount + 1)
        for i in similarities.indices where i != leavingOut && !similarities[i].isNaN {
            let value = similarities[i]
            if kept.count == neighbourCount, let last = kept.last, value <= similarities[last] { continue }
            var low = 0
            var high = kept.count
            while low < high {
                let middle = (low + high) / 2
                if similarities[kept[middle]] >= value { low = middle + 1 } else { high = middle }
            }
            kept.insert(i, at: low)
            if kept.count > neighbourCount { kept.removeLast() }
        }
        return kept
    }

    private static func unitRows(_ rows: [Float], width: Int) -> [Float] {
        var result = rows
        for start in stride(from: 0, to: rows.count, by: width) {
            var sum = 0.0
            for j in 0..<width { sum += Double(rows[start + j]) * Double(rows[start + j]) }
            guard sum > 0 else { continue }
            let scale = 1 / sum.squareRoot()
            for j in 0..<width { result[start + j] = Float(Double(rows[start + j]) * scale) }
        }
        return result
    }
}
