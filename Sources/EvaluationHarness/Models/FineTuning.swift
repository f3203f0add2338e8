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
public struct FineTuning: PartedBatch, Sendable, Equatable {
    public var steps = 400
    public var batchSize = 16
    /// Pictures that a step takes at a time; nil takes the whole batch.
    public var microBatch: Int?
    public var optimizer = OptimizerSettings.usual
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
    /// Of the moving average of the weights, which is what is saved and measured; nil keeps the last ones alone.
    public var averageDecay: Double?
    /// Measures on another split while training; nil measures nothing.
    public var validation: ValidationPlan?
    public var seed: UInt64 = 0
    public var snapshots = SnapshotPlan()

    public init() {}

    /// - Parameter sampleCount: pictures in the training set.
    func plan(sampleCount: Int) -> EpochPlanOfSteps {
        EpochPlanOfSteps(sampleCount: sampleCount, batchSize: batchSize, seed: seed)
    }

    /// Runs the loop: linear warm-up and fall to zero, rates by layer.
    ///
    /// - Parameters:
    ///   - observer: what watches, saves and stops the training, and the ranks that share each batch.
    ///   - batch: the samples of a step.
    ///   - parts: equal parts of a step's batch, whose gradients are averaged.
    ///   - loss: the terms of a step's part.
    func train<Model: Layer>(
        _ model: Model, depth: Int, _ observer: TrainingObserver<Model>, batch: @escaping (Int) -> [Int],
        parts: Int, loss: (_ step: Int, _ part: Int, Forward) throws -> [LossTerm]
    ) throws -> TrainingHistory {
        var loop = TrainingLoop(
            schedule: Schedule(
                fall.shape, base: learningRate, warmupSteps: warmupSteps, totalSteps: steps),
            clipNorm: clipNorm, seed: seed)
        loop.precision = precision
        loop.checkpointedBlocks = checkpointedBlocks
        loop.onStep = observer.onStep
        loop.validate = observer.validate
        loop.shouldStop = observer.shouldStop
        loop.journal = observer.journal
        loop.group = observer.group
        loop.batch = batch
        let groups = LayerDecay(depth: depth, rate: layerDecay).groups(model, weightDecay: weightDecay)
        let optimizer = optimizer.make(groups)
        guard let averageDecay, let average = observer.average else {
            return try loop.run(optimizer, of: model, parts: parts, loss: loss)
        }
        let both = AveragedTraining(model, averaging: model, into: average, decay: averageDecay)
        return try loop.run(optimizer, of: both, parts: parts, loss: loss) { _ in both.update() }
    }

    /// The protocol's word on which weights are saved; absent for the last step's.
    static let weightsEntry = "weights"

    /// The choices that a protocol names.
    var protocolEntries: [(String, String)] {
        var entries = [
            (
                "schedule",
                "\(steps) steps of \(batchSize), \(optimizer.words) \(learningRate), warm-up \(warmupSteps), \(fall.text)"
            ),
            (
                "regularisation",
                "weight decay \(weightDecay), layer decay \(layerDecay), drop path \(dropPath)"
                    + (clipNorm.map { ", clip \($0)" } ?? "")
            ),
            ("backbone training", freezesBackbone ? "frozen" : "fine-tuned"),
        ]
        if precision != .f32 { entries.append(("training precision", "bf16 products")) }
        if let microBatch {
            entries.append(("batch parts", "\(microBatch) pictures, each with its own batch statistics"))
        }
        if let averageDecay { entries.append((Self.weightsEntry, "moving average, decay \(averageDecay)")) }
        return entries
    }
}
