import Communication
import Testing

/// A stand-in rank: `share` is arithmetic on rank and size alone.
private struct Rank: Communicator {
    var rank: Int
    var size: Int
    func allReduceSum(_ values: UnsafeMutablePointer<Float>, count: Int) {}
    func allReduceSum(_ values: UnsafeMutablePointer<Double>, count: Int) {}
    func gather(_ bytes: [UInt8]) -> [[UInt8]] { [] }
    func barrier() {}
}

@Suite struct SingleProcessTests {
    @Test func sumOfOneProcessKeepsTheValues() {
        let group: any Communicator = SingleProcess()
        var floats: [Float] = [1.5, -2, .leastNonzeroMagnitude]
        var doubles: [Double] = [1e300, -0.0]
        floats.withUnsafeMutableBufferPointer { group.allReduceSum($0.baseAddress!, count: $0.count) }
        doubles.withUnsafeMutableBufferPointer { group.allReduceSum($0.baseAddress!, count: $0.count) }
        #expect(floats == [1.5, -2, .leastNonzeroMagnitude])
        #expect(doubles.map(\.bitPattern) == [1e300, -0.0].map(\.bitPattern))
        #expect(group.gather([3, 1, 2]) == [[3, 1, 2]])
        group.barrier()
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
