import Autograd
import Determinism
import TensorCore

/// The exact nearest rows of a bank, found by blocks of matrix products.
///
/// Ties are settled by order alone: among equally near rows the lower index comes first.
///
/// - Complexity: O(Q M D) products for Q queries, M bank rows of D numbers; memory for one block beside the bank.
public struct NeighbourSearch {
    /// What makes a row near.
    public enum Measure: String, Sendable, CaseIterable {
        /// The largest `⟨q, b⟩ / (|q| |b|)`.
        case cosine
        /// The smallest `|q − b|`.
        case euclidean
    }

    /// `(M, D)`; rows of length 1 under `cosine`.
    public let bank: Tensor
    public let measure: Measure
    /// `−|b|² / 2` of each row under `euclidean`, else empty.
    private let offsets: [Float]

    /// What a search found, `count` entries a query.
    public struct Result {
        public let count: Int
        /// Bank rows, nearest first.
        public let rows: [Int32]
        /// Their cosines, or `⟨q, b⟩ − |b|²/2` under `euclidean`.
        public let similarities: [Float]
    }

    /// - Parameter bank: `(M, D)`, f32, at least one row; copied where rows must be scaled.
    public init(bank: Tensor, measure: Measure = .cosine) {
        precondition(bank.rank == 2 && bank.shape[0] > 0, "neighbour search in a bank of \(bank.shape)")
        self.measure = measure
        switch measure {
        case .cosine:
            self.bank = Variable(bank).normalized().value
            offsets = []
        case .euclidean:
            self.bank = bank
            let (width, values) = (bank.shape[1], bank.f32())
            offsets = (0..<bank.shape[0]).map { row in
                let part = values + row * width
                return Float(-0.5 * Kernels.table(.f32).pointee.dot(part, part, width))
            }
        }
    }

    /// - Parameters:
    ///   - queries: `(Q, D)`.
    ///   - count: neighbours wanted; all rows where the bank has fewer.
    public func nearest(_ queries: Tensor, count: Int) -> Result {
        let (wanted, width) = (min(count, bank.shape[0]), bank.shape[1])
        precondition(
            count >= 1 && queries.rank == 2 && queries.shape[1] == width,
            "\(count) neighbours of \(queries.shape) in a bank of \(bank.shape)")
        let queries = measure == .cosine ? Variable(queries).normalized().value : queries
        let total = queries.shape[0]
        var rows = [Int32](repeating: -1, count: total * wanted)
        var similarities = [Float](repeating: -.infinity, count: total * wanted)
        let products = Tensor(uninitialized: [min(Self.queryBlock, max(total, 1)), min(Self.rowBlock, bank.shape[0])])
        for first in stride(from: 0, to: total, by: Self.queryBlock) {
            let height = min(Self.queryBlock, total - first)
            for start in stride(from: 0, to: bank.shape[0], by: Self.rowBlock) {
                let length = min(Self.rowBlock, bank.shape[0] - start)
                Gemm.multiply(
                    .f32, m: height, n: length, k: width,
                    MatrixView(queries.rows(first..<first + height), width: width),
                    MatrixView(bank.rows(start..<start + length), width: width, transposed: true), into: products.raw)
                rows.withUnsafeMutableBufferPointer { rows in
                    similarities.withUnsafeMutableBufferPointer { similarities in
                        nonisolated(unsafe) let best = similarities.baseAddress! + first * wanted
                        nonisolated(unsafe) let places = rows.baseAddress! + first * wanted
                        nonisolated(unsafe) let found = products.f32()
                        Parallel.forEach(height) { query in
                            keep(
                                found + query * length, start: start, length: length, wanted: wanted,
                                best + query * wanted, places + query * wanted)
                        }
                    }
                }
            }
        }
        return Result(count: wanted, rows: rows, similarities: similarities)
    }

    // A block of products stays in the last-level cache; sizes are fixed so that results do not depend on threads.
    private static let queryBlock = 256
    private static let rowBlock = 4096

    /// Merges one block of similarities into a query's sorted list.
    private func keep(
        _ found: UnsafePointer<Float>, start: Int, length: Int, wanted: Int, _ best: UnsafeMutablePointer<Float>,
        _ places: UnsafeMutablePointer<Int32>
    ) {
        let last = wanted - 1
        for j in 0..<length {
            let value = offsets.isEmpty ? found[j] : found[j] + offsets[start + j]
            guard value > best[last] else { continue }
            var at = last
            while at > 0 && best[at - 1] < value {
                best[at] = best[at - 1]
                places[at] = places[at - 1]
                at -= 1
            }
            best[at] = value
            places[at] = Int32(start + j)
        }
    }
}
