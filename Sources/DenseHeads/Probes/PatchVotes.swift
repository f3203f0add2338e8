import Determinism
import TensorCore

/// k-NN of patches whose neighbours vote pixel by pixel: pixel `o` of a patch takes the commonest label that its
/// neighbours have at `o`.
///
/// Pixels without a class do not vote; where no neighbour has one, the commonest class of all the neighbours' pixels
/// stands. Among equals the lower class wins.
///
/// - Source: `KNNClassifier` of facebookresearch/capi's `eval_segmentation.py`, which lets ignored pixels vote as a
///   class of their own.
public struct PatchVotes {
    public let neighbourCount: Int
    private let search: NeighbourSearch
    private let labels: PatchPixels

    /// - Parameters:
    ///   - memory: tokens `(M, D)`; no patch without a class among them.
    ///   - labels: of the same patches.
    public init(memory: Tensor, labels: PatchPixels, neighbourCount: Int, measure: NeighbourSearch.Measure) {
        precondition(memory.shape[0] == labels.count, "\(memory.shape[0]) tokens for \(labels.count) patches")
        self.neighbourCount = neighbourCount
        self.labels = labels
        search = NeighbourSearch(bank: memory, measure: measure)
    }

    /// Labels `(Q, P)` of the pixels of query patches `(Q, D)`.
    public func labels(_ queries: Tensor) -> [UInt16] {
        let found = search.nearest(queries, count: neighbourCount)
        let pixels = labels.pixelsPerPatch
        var result = [UInt16](repeating: 0, count: queries.shape[0] * pixels)
        result.withUnsafeMutableBufferPointer { out in
            nonisolated(unsafe) let out = out
            Parallel.forEach(queries.shape[0]) { query in
                let rows = found.rows[query * found.count..<(query + 1) * found.count].map { Int($0) * pixels }
                let all = rows.flatMap { labels.values[$0..<$0 + pixels] }
                let fallback = Self.mode(all, ignore: labels.ignoreLabel) ?? 0
                for pixel in 0..<pixels {
                    let votes = rows.map { labels.values[$0 + pixel] }
                    out[query * pixels + pixel] = Self.mode(votes, ignore: labels.ignoreLabel) ?? fallback
                }
            }
        }
        return result
    }

    /// The commonest value, the smallest among equals; `nil` where all are ignored.
    static func mode(_ values: [UInt16], ignore: UInt16) -> UInt16? {
        var (best, most) = (UInt16?.none, 0)
        var sorted = values.filter { $0 != ignore }
        sorted.sort()
        var start = 0
        while start < sorted.count {
            var end = start + 1
            while end < sorted.count && sorted[end] == sorted[start] { end += 1 }
            if end - start > most { (best, most) = (sorted[start], end - start) }
            start = end
        }
        return best
    }
}
