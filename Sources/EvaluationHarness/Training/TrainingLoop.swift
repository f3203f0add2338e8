import Autograd
import NeuralLayers

/// The loss terms of a run, averaged over windows of steps: what loss curves are drawn from.
public struct TrainingHistory: Sendable, Equatable {
    public struct Point: Sendable, Equatable {
        /// The window's last step, from 1.
        public var step: Int
        public var value: Double
    }
    /// One curve a term, in the order first seen; `total` is the weighted sum.
    public private(set) var curves: [(name: String, points: [Point])] = []
    /// Steps whose gradients were not finite and were left out.
    public internal(set) var skippedSteps: [Int] = []
    private var sums: [(name: String, sum: Double, count: Int)] = []
    private let window: Int

    init(window: Int) { self.window = window }

    public static func == (a: TrainingHistory, b: TrainingHistory) -> Bool {
        a.skippedSteps == b.skippedSteps
            && a.curves.elementsEqual(b.curves) { $0.name == $1.name && $0.points == $1.points }
    }

    mutating func add(_ name: String, _ value: Double) {
        if let at = sums.firstIndex(where: { $0.name == name }) {
            sums[at].sum += value
            sums[at].count += 1
        } else {
            sums.append((name, value, 1))
        }
    }

    mutating func endStep(_ step: Int, isLast: Bool) {
        guard (step + 1) % window == 0 || isLast else { return }
        for entry in sums {
            let point = Point(step: step + 1, value: entry.sum / Double(entry.count))
            if let at = curves.firstIndex(where: { $0.name == entry.name }) {
                curves[at].points.append(point)
            } else {
                curves.append((entry.name, [point]))
            }
        }
        sums.removeAll()
    }

    /// The last value of a curve.
    public func last(_ name: String) -> Double? { curves.first { $0.name == name }?.points.last?.value }
}

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
        "training diverged: the gradients of steps \(steps.map(String.init).joined(separator: ", ")) were not finite; "
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
    /// Called after every step.
    public var onStep: (StepReport) -> Void = { _ in }
    /// Asked before every step.
    public var shouldStop: () -> Bool = { false }

    public init(schedule: Schedule, clipNorm: Double? = nil, seed: UInt64) {
        self.schedule = schedule
        self.clipNorm = clipNorm
        self.seed = seed
    }

    /// - Parameters:
    ///   - loss: the terms of a step; it gets the step's number and a training `Forward` whose seed is the step's own.
    ///   - afterStep: momentum encoders and the like.
    /// - Throws: what `loss` throws, `DivergenceError` after three steps in a row or ten in all without finite gradients,
    ///   `TrainingInterrupted`.
    public func run(
        _ optimizer: AdamW, loss: (Int, Forward) throws -> [LossTerm], afterStep: (Int) -> Void = { _ in }
    ) throws -> TrainingHistory {
        let total = schedule.totalSteps
        var history = TrainingHistory(window: max(1, total / 100))
        for step in 0..<total {
            if shouldStop() { throw TrainingInterrupted(completedSteps: step) }
            let tape = Tape()
            optimizer.zeroGradients()
            let forward = Forward(
                mode: .training, seed: seed &* 0x1_0000_0001 &+ UInt64(step), tape: tape, bf16: precision == .bf16,
                checkpointedBlocks: checkpointedBlocks)
            let terms = try loss(step, forward)
            let value = LossTerm.total(terms)
            tape.backward(value)
            let rate = schedule(step)
            let outcome = optimizer.step(learningRate: rate, clipNorm: clipNorm)
            if outcome.isApplied {
                afterStep(step)
                for term in terms { history.add(term.name, term.value.item()) }
                history.add("total", value.item())
            } else {
                history.skippedSteps.append(step)
                let recent = history.skippedSteps.suffix(3)
                if recent.count == 3 && recent.first == step - 2 || history.skippedSteps.count >= 10 {
                    throw DivergenceError(steps: history.skippedSteps)
                }
            }
            history.endStep(step, isLast: step == total - 1)
            onStep(StepReport(step: step + 1, totalSteps: total, loss: value.item(), learningRate: rate))
        }
        return history
    }
}
