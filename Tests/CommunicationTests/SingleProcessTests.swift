import Communication
import Testing

/// A stand-in rank: `share` is arithmetic on rank and size alone.
private struct Rank: Communicator {
    var rank: Int
    var size: Int
    func allReduceSum(_ values: UnsafeMutableBufferPointer<Float>) {}
    func gather(_ bytes: [UInt8]) -> [[UInt8]] { [] }
    func barrier() {}
}

@Suite struct SingleProcessTests {
    @Test func sumOfOneProcessKeepsTheValues() throws {
        let group: any Communicator = SingleProcess()
        var values: [Float] = [1.5, -2, .leastNonzeroMagnitude]
        try values.withUnsafeMutableBufferPointer { try group.allReduceSum($0) }
        #expect(values == [1.5, -2, .leastNonzeroMagnitude])
        #expect(try group.gather([3, 1, 2]) == [[3, 1, 2]])
        try group.barrier()
        #expect(group.isLeader && group.size == 1 && group.share(of: 7) == 0..<7)
    }

    @Test func sharesCoverAllItemsOnce() {
        for size in 1...5 {
            for count in 0...12 {
                let shares = (0..<size).map { Rank(rank: $0, size: size).share(of: count) }
                #expect(shares.flatMap { Array($0) } == Array(0..<count))
                let sizes = shares.map(\.count)
                #expect(sizes.max()! - sizes.min()! <= 1)
            }
        }
    }
}
