import Autograd
import Communication
import NeuralLayers
import SafeFiles

/// Where a loop stands, for progress lines.
public struct StepReport: Sendable {
    public var step: Int
    public var totalSteps: Int
    public var loss: Double
    public var learningRate: Double
}

/// Training stopped because the loss left the finite numbers too often.
public struct DivergenceError: Error, CustomStringConvertible {
    public var steps: [Int]
    public var description: String {
        "training diverged: loss or gradients of steps \(steps.map(String.init).joined(separator: ", ")) were not finite; "
            + "lower the learning rate."
    }
}

/// The stop asked for by a signal.
public struct TrainingInterrupted: Error {
    public var completedSteps: Int
}

/// Steps of one optimizer under a schedule; the body computes the loss, the loop does the rest.
public struct TrainingLoop {
    public var schedule: Schedule
    public var clipNorm: Double?
    public var seed: UInt64
    public var precision = ProductPrecision.f32
    /// Blocks of the backbone of which a step keeps only the input.
    public var checkpointedBlocks = 0
    /// Called after every step; what it throws ends the run.
    public var onStep: (StepReport) throws -> Void = { _ in }
    /// Called after `onStep` with the steps done; its points become curves of the history.
    var validate: (_ completedSteps: Int, _ history: inout TrainingHistory) throws -> Void = { _, _ in }
    /// Asked before every step.
    public var shouldStop: () -> Bool = { false }
    /// Keeps the state, and knows where to go on; nil keeps nothing.
    public var journal: TrainingJournal?
    /// The ranks that share each batch. Losses and terms are means over all of them, and so are the gradients.
    public var group: any Communicator = SingleProcess()
    /// The samples of a step's batch, for the record of a step that is left out.
    public var batch: (Int) -> [Int] = { _ in [] }

    public init(schedule: Schedule, clipNorm: Double? = nil, seed: UInt64) {
        self.schedule = schedule
        self.clipNorm = clipNorm
        self.seed = seed
    }

    /// Steps that are done when the loop begins.
    var firstStep: Int { journal?.firstStep ?? 0 }

    /// Runs the steps that are left. With a journal, the state is saved now and then and before a stop: the bytes at the
    /// end are those of a run that never stopped.
    ///
    /// - Parameters:
    ///   - model: everything whose parameters or buffers a step changes.
    ///   - carried: sums that `loss` adds to.
    ///   - loss: the terms of a step; it gets the step's number and a training `Forward` whose seed is the step's own.
    ///   - afterStep: momentum encoders and the like.
    /// - Throws: what `loss` and `onStep` throw, `DivergenceError` after three steps in a row or ten in all without finite
    ///   loss and gradients, `TrainingInterrupted`; what saving throws.
    public func run(
        _ optimizer: some Optimizer, of model: some Layer, carrying carried: (any CarriedSums)? = nil,
        loss: (Int, Forward) throws -> [LossTerm], afterStep: (Int) -> Void = { _ in }
    ) throws -> TrainingHistory {
        try run(
            optimizer, of: model, carrying: carried, parts: 1, loss: { step, _, forward in try loss(step, forward) },
            afterStep: afterStep)
    }

    /// The same with the batch in equal parts, one after the other, whose gradients are averaged: the memory of a part.
    ///
    /// - Parameter loss: gets step and part.
    public func run(
        _ optimizer: some Optimizer, of model: some Layer, carrying carried: (any CarriedSums)? = nil, parts: Int,
        loss: (Int, Int, Forward) throws -> [LossTerm], afterStep: (Int) -> Void = { _ in }
    ) throws -> TrainingHistory {
        let total = schedule.totalSteps
        var history = try journal?.restore(model, optimizer, carried) ?? TrainingHistory(window: max(1, total / 100))
        func save(_ steps: Int) throws {
            try journal?.save(
                TrainingSnapshot(model, optimizer, completedSteps: steps, history: history, carried: carried))
        }
        for step in firstStep..<total {
            ProcessFault.current?.reach(.step)
            if shouldStop() {
                try save(step)
                throw TrainingInterrupted(completedSteps: step)
            }
            optimizer.zeroGradients()
            let (value, terms) = try gradients(step, parts, of: optimizer, loss)
            let rate = schedule(step)
            let outcome =
                value.isFinite
                ? optimizer.step(learningRate: rate, clipNorm: clipNorm)
                : StepOutcome(gradientNorm: optimizer.gradientNorm(), isApplied: false)
            if outcome.isApplied {
                afterStep(step)
                for term in terms { history.add(term.name, term.value) }
                history.add("total", value)
            } else {
                try leaveOut(step, value, outcome, &history)
            }
            history.endStep(step, isLast: step == total - 1)
            try onStep(StepReport(step: step + 1, totalSteps: total, loss: value, learningRate: rate))
            try validate(step + 1, &history)
            if journal?.isDue(step + 1) == true { try save(step + 1) }
        }
        return history
    }

    /// Adds the gradients of a step over parts and ranks; the loss and the terms, by name, are means over both.
    private func gradients(
        _ step: Int, _ parts: Int, of optimizer: some Optimizer, _ loss: (Int, Int, Forward) throws -> [LossTerm]
    ) throws -> (value: Double, terms: [(name: String, value: Double)]) {
        let (value, terms) = try ownGradients(step, parts, loss)
        for block in optimizer.state.gradients { group.allReduceSum(block.tensor) }
        let means = group.means([value] + terms.map(\.value))
        return (means[0], zip(terms, means.dropFirst()).map { ($0.name, $1) })
    }

    /// Adds the gradients of this rank's pictures, in the scale of the whole batch.
    private func ownGradients(
        _ step: Int, _ parts: Int, _ loss: (Int, Int, Forward) throws -> [LossTerm]
    ) throws -> (value: Double, terms: [(name: String, value: Double)]) {
        var (value, sums) = (0.0, [(name: String, value: Double)]())
        let share = 1 / Double(parts)
        for part in 0..<parts {
            let tape = Tape()
            let forward = Forward(
                mode: .training, seed: seed &* 0x1_0000_0001 &+ UInt64(step) &+ UInt64(part) &* 0x9E37_79B9_7F4A_7C15,
                tape: tape, bf16: precision == .bf16, checkpointedBlocks: checkpointedBlocks, group: group)
            let terms = try loss(step, part, forward)
            let total = LossTerm.total(terms)
            tape.backward(total, scale: share / Double(group.size))
            value += share * total.item()
            for (index, term) in terms.enumerated() {
                if part == 0 { sums.append((term.name, 0)) }
                sums[index].value += share * term.value.item()
            }
        }
        return (value, sums)
    }

    private func leaveOut(
        _ step: Int, _ loss: Double, _ outcome: StepOutcome, _ history: inout TrainingHistory
    ) throws {
        history.skippedSteps.append(step)
        try journal?.record(
            NonFiniteStep(
                step: step + 1, seed: seed, batch: batch(step), loss: loss, gradientNorm: outcome.gradientNorm))
        let recent = history.skippedSteps.suffix(3)
        if recent.count == 3 && recent.first == step - 2 || history.skippedSteps.count >= 10 {
            throw DivergenceError(steps: history.skippedSteps)
        }
    }
}
