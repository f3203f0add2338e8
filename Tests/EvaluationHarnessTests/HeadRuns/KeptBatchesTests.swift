import Communication
import SafeFiles
import Testing

@testable import EvaluationHarness

@Suite("Batches that an evaluation keeps") struct KeptBatchesTests {
    private func identity(seed: UInt64 = 1) -> TrainingIdentity {
        TrainingIdentity(recipe: "r", seed: seed, data: "d", tool: "t", cpuPath: "plain")
    }

    private static func results(_ range: Range<Int>) -> [[UInt8]] {
        range.filter { $0 % 4 != 1 }.map { Array("item \($0)".utf8) }
    }

    /// All results of 16 items in batches of 3, how many batches were worked out, and what the file held.
    private func run(
        _ run: RunFolder, stopAfter: Int? = nil
    ) throws -> (taken: [[UInt8]], worked: Int, known: Int) {
        let kept = try KeptBatches(run, identity: identity())
        let known = kept.count
        var (taken, worked) = ([[UInt8]](), 0)
        try DealtBatches(count: 16, batchSize: 3, group: SingleProcess(), kept: kept).run { done in
            if let stopAfter, done >= stopAfter { throw TrainingInterrupted(completedSteps: done) }
        } work: { range in
            worked += 1
            return Self.results(range)
        } take: { _, results in
            taken += results
        }
        return (taken, worked, known)
    }

    private func folder(_ path: String) throws -> RunFolder { try SnapshotFixture.run(path) }

    @Test("those that are there are not worked out again, and all come in order")
    func goingOn() throws {
        try withTemporaryFolder { path in
            let run = try folder(path)
            #expect(throws: TrainingInterrupted.self) { try self.run(run, stopAfter: 7) }
            let second = try self.run(run)
            #expect(second.known == 3 && second.worked == 3 && second.taken == Self.results(0..<16))
            let third = try self.run(run)
            #expect(third.known == 6 && third.worked == 0 && third.taken == second.taken)
            let error = #expect(throws: DataError.self) { try KeptBatches(run, identity: identity(seed: 2)) }
            #expect(error?.kind == .configuration && error?.record == "seed")
        }
    }

    @Test("a changed bit or a cut costs the batches from there on, and gives no other result")
    func damage() throws {
        try withTemporaryFolder { path in
            let run = try folder(path)
            let whole = try self.run(run).taken
            let file = "\(path)/\(KeptBatches.fileName)"
            let bytes = try FileBytes.read(file, limit: 1 << 20)
            for number in 0..<400 {
                var changed = bytes
                if number % 2 == 0 {
                    let bit = number * (bytes.count * 8 - 1) / 399
                    changed[bit / 8] ^= 1 << (bit % 8)
                } else {
                    changed.removeLast(max(1, bytes.count * number / 400))
                }
                try AtomicFile.write(changed, to: file, durability: .renamed)
                let found = try self.run(run)
                #expect(found.taken == whole && found.known < 6 && found.worked == 6 - found.known)
                #expect(try FileBytes.read(file, limit: 1 << 20) == bytes)
            }
            // Zeros that a power loss left are no record.
            try AtomicFile.write(bytes + [UInt8](repeating: 0, count: 500), to: file)
            #expect(try self.run(run).known == 6)
            #expect(try FileBytes.size(of: file) == bytes.count)
        }
    }
}
