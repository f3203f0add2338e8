import Autograd
import Communication
import Determinism
import NeuralLayers
import TensorCore
import TestSupport
import Testing

@testable import EvaluationHarness

@Suite struct SharedTrainingTests {
    /// A linear layer that learns from eight rows a step, in two parts, and its history.
    private static func train(_ group: any Communicator, steps: Int, journal: TrainingJournal? = nil) throws -> [Double]
    {
        var stream = RandomStream(seed: 1, purpose: "shared training")
        let layer = Linear(3, 2, initialization: .xavierUniform, &stream)
        var loop = TrainingLoop(
            schedule: Schedule(.cosine, base: 0.05, warmupSteps: 0, totalSteps: steps), clipNorm: 1, seed: 7)
        loop.group = group
        loop.journal = journal
        let places = try BatchPlaces(batch: 8, parts: 2, group)
        let history = try loop.run(AdamW([ParameterGroup(layer.parameters)]), of: layer, parts: 2) {
            (step: Int, part: Int, forward: Forward) -> [LossTerm] in
            var (input, target) = ([Double](), [Double]())
            let rows: [Int] = Array(places.places[places.range(of: part)])
            for row in rows {
                for column in 0..<3 {
                    let key: Int = row * 7 + column * 5 + step * 3
                    input.append(Double(key % 11) / 11)
                }
                for column in 0..<2 { target.append(Double((row + column + step) % 3)) }
            }
            let x = Variable(Tensor(input, [rows.count, 3]).converted(to: .f32))
            let wanted = Tensor(target, [rows.count, 2]).converted(to: .f32)
            return [LossTerm(name: "error", value: layer(x, forward).meanSquaredError(wanted))]
        }
        var values: [Double] = []
        for curve in history.curves { values += curve.points.map { $0.value } }
        for parameter in layer.parameters { values += parameter.value.doubles() }
        return values
    }

    @Test func ranksTrainAsOneProcessDoes() throws {
        let alone = try Self.train(SingleProcess(), steps: 20)
        for size in [2, 4] {
            let ranks = try ThreadedRanks.run(size) { try Self.train($0, steps: 20) }
            for found in ranks {
                let difference = Comparison(found, alone, tolerance: 1e-5)
                #expect(found == ranks[0] && difference.isWithinBounds, "\(size) ranks: \(difference)")
            }
        }
    }

    /// Ranks that follow have no folder: they go on from the leader's snapshot, to the bytes of a run that never stopped.
    @Test func ranksResumeFromTheLeadersSnapshot() throws {
        try withTemporaryFolder { folder in
            @Sendable func journal(_ group: any Communicator) throws -> TrainingJournal {
                var plan = SnapshotPlan()
                plan.every = 4
                var options = CommandSession.Options()
                options.isQuiet = true
                let session = try CommandSession(options, interrupt: Interrupt(), group: group)
                return try TrainingJournal(
                    group.isLeader ? SnapshotFixture.run(folder + "/run") : nil, plan, totalSteps: 12,
                    identity: SnapshotFixture.identity, session: session)
            }
            let whole = try ThreadedRanks.run(2) { try Self.train($0, steps: 12, journal: journal($0)) }
            // The run left its snapshot after step 8.
            let again = try ThreadedRanks.run(2) { group in
                let journal = try journal(group)
                return try [Double(journal.firstStep)] + Self.train(group, steps: 12, journal: journal)
            }
            #expect(again == whole.map { [8] + $0 })
        }
    }
}
