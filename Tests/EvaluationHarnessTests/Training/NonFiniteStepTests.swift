import Autograd
import NeuralLayers
import SafeFiles
import TensorCore
import Testing

@testable import EvaluationHarness

@Suite("Steps without finite loss or gradients") struct NonFiniteStepTests {
    /// A loop over a linear layer whose loss is multiplied by a factor of the step.
    private func run(
        _ fixture: SnapshotFixture, steps: Int, journal: TrainingJournal?, factor: @escaping (Int) -> Float
    ) throws -> TrainingHistory {
        var loop = TrainingLoop(schedule: Schedule(.constant, base: 0.1, totalSteps: steps), seed: 3)
        loop.journal = journal
        loop.batch = { [$0, $0 + 10] }
        return try loop.run(fixture.optimizer, of: fixture.layer) { step, forward in
            let y = fixture.layer(Variable(Tensor([1, 2, 3] as [Float], [1, 3])), forward)
            let scaled = y.multiplied(by: Variable(Tensor([factor(step), factor(step)], [1, 2])))
            return [LossTerm(name: "loss", value: scaled.mean())]
        }
    }

    @Test("they change nothing and are recorded with what makes them again; the record is cut on resuming")
    func recorded() throws {
        try withTemporaryFolder { folder in
            let path = folder + "/run/nonfinite.jsonl"
            let fixture = SnapshotFixture(folder)
            do {
                let journal = try SnapshotFixture.journal(folder + "/run", steps: 6, every: 4)
                let history = try run(fixture, steps: 6, journal: journal) { $0 == 1 ? .infinity : $0 == 4 ? .nan : 1 }
                #expect(history.skippedSteps == [1, 4] && fixture.optimizer.stepCount == 4)
            }
            let lines = try text(of: path).split(separator: "\n")
            #expect(lines.count == 2)
            #expect(lines[0].hasPrefix("{\"step\":2,\"seed\":\"3\",\"batch\":[1,11],\"loss\":\""), "\(lines[0])")
            #expect(lines[0].contains("\"gradient_norm\":\"") && lines[1].contains("\"step\":5"))
            // The snapshot is that after four steps: the record of the fifth goes, and comes again.
            let again = SnapshotFixture(folder, seed: 2)
            let journal = try SnapshotFixture.journal(folder + "/run", steps: 6, every: 4)
            #expect(journal.firstStep == 4)
            #expect(try text(of: path).split(separator: "\n").count == 1)
            let history = try run(again, steps: 6, journal: journal) { $0 == 1 ? .infinity : $0 == 4 ? .nan : 1 }
            #expect(history.skippedSteps == [1, 4] && again.state == fixture.state)
            #expect(try text(of: path).split(separator: "\n") == lines)
        }
    }

    @Test("three in a row end the run; a run without any leaves no file")
    func divergence() throws {
        try withTemporaryFolder { folder in
            let fixture = SnapshotFixture(folder)
            let journal = try SnapshotFixture.journal(folder + "/run", steps: 6, every: 4)
            _ = try run(fixture, steps: 6, journal: journal) { _ in 1 }
            #expect(!FileBytes.exists(folder + "/run/nonfinite.jsonl"))
            let error = #expect(throws: DivergenceError.self) {
                try run(fixture, steps: 6, journal: nil) { $0 > 1 ? .nan : 1 }
            }
            #expect(error?.steps == [2, 3, 4])
        }
    }
}
