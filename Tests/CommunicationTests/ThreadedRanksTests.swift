import TestSupport
import Testing

@testable import Communication

/// What every communicator promises, on ranks that are threads, and what is built on it.
@Suite struct ThreadedRanksTests {
    @Test func sumsAreTheSameOnEveryRankAndInRankOrder() throws {
        // In another order the small terms would be lost or kept.
        let terms: [Float] = [1e8, 1, -1e8]
        let found = try ThreadedRanks.run(3) { group in
            var values: [Float] = [terms[group.rank], Float(group.rank)]
            values.withUnsafeMutableBufferPointer { group.allReduceSum($0.baseAddress!, count: 2) }
            return values
        }
        let expected: [Float] = [(Float(1e8) + 1) + -1e8, 3]
        #expect(found == [expected, expected, expected])
    }

    @Test func gatheringKeepsRankOrderAndLengths() throws {
        let found = try ThreadedRanks.run(4) { group in
            (0..<3).map { round in
                group.gather([UInt8](repeating: UInt8(10 * round + group.rank), count: group.rank))
            }
        }
        for rank in found {
            for (round, parts) in rank.enumerated() {
                #expect(parts == (0..<4).map { [UInt8](repeating: UInt8(10 * round + $0), count: $0) })
            }
        }
    }

    @Test func theLeadersValuesReachAll() throws {
        let found = try ThreadedRanks.run(3) { group in
            "\(group.leaders(-7 - group.rank)) \(group.leaders("rank \(group.rank)")) \(group.means([Double(group.rank)]))"
        }
        #expect(found == [String](repeating: "-7 rank 0 [1.0]", count: 3))
        let alone = SingleProcess()
        #expect(alone.leaders(5) == 5 && alone.leaders("x") == "x" && alone.means([2]) == [2] && alone.sums([]) == [])
    }

    @Test func launchersAreKnownByTheirEnvironment() {
        #expect(World.launchedRanks([:]) == 1)
        #expect(World.launchedRanks(["OMPI_COMM_WORLD_SIZE": "4", "PMIX_RANK": "0"]) == 4)
        #expect(World.launchedRanks(["PMI_SIZE": "2", "PMI_RANK": "1"]) == 2)
        #expect(World.launchedRanks(["PMIX_RANK": "3"]) == nil)
        #expect(World.launchedRanks(["PMIX_RANK": "3", "SLURM_STEP_NUM_TASKS": "4", "SLURM_NTASKS": "8"]) == 4)
        // A batch script on its own is one process.
        #expect(World.launchedRanks(["SLURM_NTASKS": "4", "SLURM_PROCID": "0"]) == 1)
    }

    @Test func testsRunAlone() {
        #expect(World.group.size == 1 && World.neighbours == 1)
    }
}
