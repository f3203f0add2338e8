import Autograd
import Determinism
import NeuralLayers
import Reporting
import TensorCore

@testable import EvaluationHarness

/// A linear layer with an optimizer, and a run folder for its snapshots.
struct SnapshotFixture {
    let folder: String
    let layer: Linear
    let optimizer: AdamW
    var history = TrainingHistory(window: 10)

    static let identity = TrainingIdentity(
        recipe: "r", seed: 7, data: "d", checkpoints: [("mae", "h")], tool: "dmt 0", cpuPath: "plain")

    init(_ folder: String, seed: UInt64 = 1) {
        self.folder = folder
        var stream = RandomStream(seed: seed, purpose: "snapshot test")
        layer = Linear(3, 2, initialization: .xavierUniform, &stream)
        optimizer = AdamW([ParameterGroup(layer.parameters)])
    }

    /// Values of weights and moments.
    var state: [[Float]] {
        layer.stateEntries().map { $0.tensor.floats() }
            + optimizer.state.moments.map { $0.tensor.floats() }
    }

    var snapshots: SnapshotFolder { SnapshotFolder(path: folder + "/checkpoints", keep: 2, identity: Self.identity) }

    func snapshot(_ steps: Int) -> TrainingSnapshot {
        TrainingSnapshot(layer, optimizer, completedSteps: steps, history: history, carried: nil)
    }

    /// One step with gradients that differ from place to place.
    func step(_ number: Int) {
        var place = 0
        for block in optimizer.state.gradients {
            let count = block.tensor.count
            block.tensor.assign(Tensor((0..<count).map { Float(place + $0 + number) * 0.1 }, [count]))
            place += count
        }
        optimizer.step(learningRate: 0.1)
    }

    static func run(_ folder: String, recipe text: String = "name: tiny\n") throws -> RunFolder {
        let recipe = try Recipe(name: "x", file: "x.yaml", root: YAMLText.parse(Array(text.utf8), file: "x.yaml"))
        return try RunFolder(
            .exactly(folder, resumes: true), recipe: recipe, commandLine: ["dmt", "distill", "--out", "x"],
            environment: EnvironmentReport(facts: []))
    }

    static func session() throws -> CommandSession {
        var options = CommandSession.Options()
        options.isQuiet = true
        return try CommandSession(options, interrupt: Interrupt())
    }

    static func journal(_ folder: String, steps: Int, every: Int) throws -> TrainingJournal {
        var plan = SnapshotPlan()
        plan.every = every
        return try TrainingJournal(
            run(folder), plan, totalSteps: steps, identity: identity, session: session())
    }
}
