import Autograd
import Communication
import Determinism
import NeuralLayers

/// How a learning rate falls after its warm-up.
public enum RateFall: Sendable, Equatable {
    case linear
    case cosine
    /// Times 0.1 at each of these steps.
    case milestones([Int])

    var shape: Schedule.Shape {
        switch self {
        case .linear: .polynomial(power: 1)
        case .cosine: .cosine
        case .milestones(let steps): .steps(steps)
        }
    }

    var text: String {
        switch self {
        case .linear: "linear to 0"
        case .cosine: "cosine to 0"
        case .milestones(let steps): "a tenth at \(steps.map(String.init).joined(separator: ", "))"
        }
    }
}

/// How a head, and with it a backbone, is trained: the part that all tasks share.
public struct FineTuning: Sendable, Equatable {
    public var steps = 400
    public var batchSize = 16
    public var learningRate = 1e-3
    public var layerDecay = 1.0
    public var weightDecay = 0.05
    public var warmupSteps = 20
    public var fall = RateFall.linear
    /// Gradients are scaled down to this norm; `nil` leaves them.
    public var clipNorm: Double? = 3
    public var dropPath = 0.0
    public var precision = ProductPrecision.f32
    /// Blocks of which a step keeps only the input and runs again in the backward pass: less memory, the same bytes.
    public var checkpointedBlocks = 0
    /// The backbone keeps its values and runs without dropout.
    public var freezesBackbone = false
    public var seed: UInt64 = 0
    public var snapshots = SnapshotPlan()

    public init() {}

    /// - Parameter sampleCount: pictures in the training set.
    func plan(sampleCount: Int) -> EpochPlanOfSteps {
        EpochPlanOfSteps(sampleCount: sampleCount, batchSize: batchSize, seed: seed)
    }

    /// Runs the loop: AdamW, linear warm-up and fall to zero, rates by layer.
    ///
    /// - Parameters:
    ///   - journal: keeps the state, and knows where to go on.
    ///   - group: the ranks that share each batch.
    ///   - batch: the samples of a step.
    func train(
        _ model: some Layer, depth: Int, onStep: @escaping (StepReport) throws -> Void,
        shouldStop: @escaping () -> Bool, journal: TrainingJournal?,
        group: any Communicator = SingleProcess(), batch: @escaping (Int) -> [Int],
        loss: (Int, Forward) throws -> [LossTerm]
    ) throws -> TrainingHistory {
        var loop = TrainingLoop(
            schedule: Schedule(
                fall.shape, base: learningRate, warmupSteps: warmupSteps, totalSteps: steps),
            clipNorm: clipNorm, seed: seed)
        loop.precision = precision
        loop.checkpointedBlocks = checkpointedBlocks
        loop.onStep = onStep
        loop.shouldStop = shouldStop
        loop.journal = journal
        loop.group = group
        loop.batch = batch
        let groups = LayerDecay(depth: depth, rate: layerDecay).groups(model, weightDecay: weightDecay)
        return try loop.run(AdamW(groups), of: model, loss: loss)
    }

    /// The choices that a protocol names.
    var protocolEntries: [(String, String)] {
        [
            ("schedule", "\(steps) steps of \(batchSize), AdamW \(learningRate), warm-up \(warmupSteps), \(fall.text)"),
            (
                "regularisation",
                "weight decay \(weightDecay), layer decay \(layerDecay), drop path \(dropPath)"
                    + (clipNorm.map { ", clip \($0)" } ?? "")
            ),
            ("backbone training", freezesBackbone ? "frozen" : "fine-tuned"),
        ] + (precision == .f32 ? [] : [("training precision", "bf16 products")])
    }
}
