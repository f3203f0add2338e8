import Determinism
import TensorCore
import TestSupport
import Testing

@testable import DenseHeads

@Suite struct ProbeTests {
    private func rows(_ count: Int, _ width: Int, seed: UInt64) -> Tensor {
        var stream = RandomStream(seed: seed, purpose: "rows")
        return Tensor((0..<count * width).map { _ in Float(stream.normal()) }, [count, width])
    }

    /// All similarities in Double, sorted: the naive twin.
    private func naive(_ bank: Tensor, _ queries: Tensor, _ measure: NeighbourSearch.Measure, _ k: Int) -> [[Int]] {
        let (b, q, width) = (bank.doubles(), queries.doubles(), bank.shape[1])
        return (0..<queries.shape[0]).map { query in
            let distances = (0..<bank.shape[0]).map { row in
                var (dot, square, bb, qq) = (0.0, 0.0, 0.0, 0.0)
                for c in 0..<width {
                    let (x, y) = (q[query * width + c], b[row * width + c])
                    dot += x * y
                    square += (x - y) * (x - y)
                    bb += y * y
                    qq += x * x
                }
                return measure == .cosine ? -dot / (bb * qq).squareRoot() : square
            }
            return Array(distances.indices.sorted { (distances[$0], $0) < (distances[$1], $1) }.prefix(k))
        }
    }

    @Test("neighbours across blocks equal a sort of all distances", arguments: NeighbourSearch.Measure.allCases)
    func neighbours(measure: NeighbourSearch.Measure) {
        // More rows and queries than one block holds.
        let (bank, queries) = (rows(4500, 9, seed: 1), rows(300, 9, seed: 2))
        let found = NeighbourSearch(bank: bank, measure: measure).nearest(queries, count: 8)
        for (query, wanted) in naive(bank, queries, measure, 8).enumerated() {
            #expect(found.rows[query * 8..<(query + 1) * 8].map(Int.init) == wanted)
        }
    }

    @Test("equal rows come in their order, and a small bank gives what it has")
    func ties() {
        let bank = Tensor([1, 0, 0, 1, 1, 0, 1, 0] as [Float], [4, 2])
        let found = NeighbourSearch(bank: bank).nearest(Tensor([2, 0] as [Float], [1, 2]), count: 9)
        #expect(found.count == 4)
        #expect(found.rows == [0, 2, 3, 1])
    }

    @Test("rare classes are sampled first; patches without a class last")
    func sampling() {
        // 16 patches of one pixel: class 7 once, class 2 everywhere else but one ignored patch.
        var labels = [UInt16](repeating: 2, count: 16)
        labels[5] = 7
        labels[9] = 255
        var pixels = PatchPixels(pixelsPerPatch: 1, ignoreLabel: 255)
        pixels.append(map: labels, height: 4, width: 4, grid: (4, 4))
        var first = 0
        for seed in 0..<200 as Range<UInt64> {
            var stream = RandomStream(seed: seed, purpose: "sampling")
            let order = pixels.rareFirst(patches: 0..<16, count: 16, &stream)
            #expect(order.last == 9)
            #expect(order.sorted() == Array(0..<16))
            if order.prefix(2).contains(5) { first += 1 }
        }
        // Score u against u · 14 for each of 14 others: the rare patch is among the first two nearly half of the time.
        #expect(first > 60)
        var (a, b) = (RandomStream(seed: 3, purpose: "sampling"), RandomStream(seed: 3, purpose: "sampling"))
        #expect(
            pixels.rareFirst(patches: 0..<16, count: 5, &a) == pixels.rareFirst(patches: 0..<16, count: 5, &b))
    }

    @Test("pixels without a class do not vote; where none has one, the neighbours' commonest class stands")
    func votes() {
        var pixels = PatchPixels(pixelsPerPatch: 2, ignoreLabel: 255)
        pixels.append(map: [255, 4, 255, 4, 255, 1], height: 3, width: 2, grid: (3, 1))
        let bank = Tensor([1, 0, 0.9, 0.1, 0.8, 0.2] as [Float], [3, 2])
        let votes = PatchVotes(memory: bank, labels: pixels, neighbourCount: 3, measure: .cosine)
        #expect(votes.labels(Tensor([1, 0] as [Float], [1, 2])) == [4, 4])
        #expect(PatchVotes.mode([3, 1, 3, 1, 255, 255, 255], ignore: 255) == 1)
    }

    @Test("a class that no row has is never predicted; a constant channel is only centred")
    func absentClasses() {
        let x = Tensor([-1, 3, -2, 3, 1, 3, 2, 3] as [Float], [4, 2])
        let scaled = ChannelScaling(x)(x)
        #expect((0..<4).allSatisfy { scaled.f32()[$0 * 2 + 1] == 0 })
        let fit = LogisticRegression().fit(scaled, labels: [1, 1, 3, 3], classCount: 5)
        #expect(fit.predictions(scaled) == [1, 1, 3, 3])
        #expect(fit.bias.floats()[0] == -.infinity)
    }

    @Test("L-BFGS finds the bottom of Rosenbrock's valley")
    func valley() {
        let outcome = LBFGS(maxIterations: 200, tolerance: 1e-9).minimize(from: [-1.2, 1, -1.2, 1]) { x, g in
            var value = 0.0
            for i in [0, 2] {
                let (a, b) = (1 - x[i], x[i + 1] - x[i] * x[i])
                value += a * a + 100 * b * b
                g[i] = -2 * a - 400 * x[i] * b
                g[i + 1] = 200 * b
            }
            return value
        }
        #expect(outcome.isConverged)
        #expect(outcome.point.allSatisfy { abs($0 - 1) < 1e-7 })
    }
}
