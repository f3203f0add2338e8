import DenseMetrics
import Testing

@Suite struct PanopticPairsTests {
    /// More pairs than the first table has room for, some ids of three bytes.
    @Test func everyPairIsCounted() {
        var truth: [UInt8] = []
        var predicted: [UInt8] = []
        for pixel in 0..<3000 {
            truth += [UInt8(pixel % 200), UInt8(pixel / 200), 7]
            predicted += [UInt8(pixel % 3), 0, 0]
        }
        let pairs = PanopticPairs(truth: truth + truth, predicted: predicted + predicted).pairs
        #expect(pairs.count == 3000 && pairs.allSatisfy { $0.pixels == 2 })
        let expected = (0..<3000).map { (pixel: Int) -> Int64 in
            Int64(pixel % 200) + Int64(256 * (pixel / 200)) + 458_752
        }.sorted()
        #expect(pairs.map(\.truth) == expected)
    }
}
