import Determinism
import Foundation
import TensorCore

/// Dense k-NN retrieval: each patch attends to the nearest patches of a memory and takes the mean of their labels.
///
///     s_c(q) = Σ_i a_i · y_i,c,   a = softmax(cos(q, m_i) / β) over the k nearest i,
///     y_i,c = share of patch i's pixels that have class c
///
/// - Source: Balažević et al. 2023, arXiv:2306.01667 (in-context scene understanding); open-hummingbird-eval's
///   `hbird_eval.py` (k 30, β 0.02, exact search).
public struct PatchRetrieval {
    public let neighbourCount: Int
    public let temperature: Double
    public let classCount: Int
    private let search: NeighbourSearch
    /// Patch `m` has the shares `offsets[m]..<offsets[m + 1]`.
    private var offsets: [Int] = [0]
    private var classes: [UInt16] = []
    private var shares: [Float] = []

    /// - Parameters:
    ///   - memory: tokens `(M, D)` of any length.
    ///   - labels: of the same patches. A pixel without a class counts in a patch's size but for no class.
    public init(
        memory: Tensor, labels: PatchPixels, classCount: Int, neighbourCount: Int = 30, temperature: Double = 0.02
    ) {
        precondition(memory.shape[0] == labels.count, "\(memory.shape[0]) tokens for \(labels.count) patches")
        precondition(neighbourCount >= 1 && temperature > 0, "k \(neighbourCount), temperature \(temperature)")
        self.neighbourCount = neighbourCount
        self.temperature = temperature
        self.classCount = classCount
        search = NeighbourSearch(bank: memory)
        offsets.reserveCapacity(labels.count + 1)
        for patch in 0..<labels.count {
            for entry in labels.histogram(of: patch) {
                precondition(entry.label < classCount, "label \(entry.label) of \(classCount) classes")
                classes.append(entry.label)
                shares.append(Float(entry.pixels) / Float(labels.pixelsPerPatch))
            }
            offsets.append(classes.count)
        }
    }

    /// The bytes that a memory takes beside its labels.
    public static func byteCount(patches: Int, width: Int) -> Int { patches * width * 4 }

    /// Class scores `(Q, K)` of query tokens `(Q, D)`.
    public func scores(_ queries: Tensor) -> Tensor {
        let found = search.nearest(queries, count: neighbourCount)
        let result = Tensor.zeros([queries.shape[0], classCount])
        nonisolated(unsafe) let out = result.f32()
        Parallel.forEach(queries.shape[0]) { query in
            let first = query * found.count
            // Sorted: the first similarity is the largest.
            let weights = (0..<found.count).map {
                exp(Double(found.similarities[first + $0] - found.similarities[first]) / temperature)
            }
            let total = weights.reduce(0, +)
            for (place, weight) in weights.enumerated() {
                let row = Int(found.rows[first + place])
                for entry in offsets[row]..<offsets[row + 1] {
                    out[query * classCount + Int(classes[entry])] += Float(weight / total) * shares[entry]
                }
            }
        }
        return result
    }
}
