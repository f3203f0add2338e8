import TensorCore

/// What a step did.
public struct StepOutcome: Sendable {
    /// The Euclidean norm of all gradients, before clipping.
    public var gradientNorm: Double
    /// False when the norm was not finite: nothing changed.
    public var isApplied: Bool

    public init(gradientNorm: Double, isApplied: Bool) {
        self.gradientNorm = gradientNorm
        self.isApplied = isApplied
    }
}

/// A rule that changes parameters by their gradients.
///
///     optimizer.zeroGradients()
///     tape.backward(loss)
///     optimizer.step(learningRate: schedule(step), clipNorm: 3)
public protocol Optimizer: AnyObject {
    /// What the parameters are views of.
    var state: OptimizerState { get }

    /// Changes values and moments by gradients that are finite; `step` calls it.
    ///
    /// - Parameters:
    ///   - learningRate: multiplied by each group's scale.
    ///   - gradientScale: the factor of clipping; gradients may hold other values afterwards.
    func apply(learningRate: Double, gradientScale: Double)
}

extension Optimizer {
    public var values: Tensor { state.values }
    public var stepCount: Int { state.stepCount }

    /// Gradients take no memory until the first of them arrives.
    public func zeroGradients() { state.gradients.forEach { $0.setZero() } }

    /// The Euclidean norm of all gradients.
    public func gradientNorm() -> Double { state.gradientNorm(0..<values.count) }

    /// Applies the gradients, unless their norm is not finite.
    ///
    /// - Parameter clipNorm: gradients are scaled down to this norm; `nil` leaves them.
    @discardableResult
    public func step(learningRate: Double, clipNorm: Double? = nil) -> StepOutcome {
        let norm = gradientNorm()
        guard norm.isFinite else { return StepOutcome(gradientNorm: norm, isApplied: false) }
        state.stepCount += 1
        apply(
            learningRate: learningRate, gradientScale: clipNorm.map { norm > $0 ? $0 / (norm + 1e-6) : 1 } ?? 1)
        return StepOutcome(gradientNorm: norm, isApplied: true)
    }

    /// Restores moments, in their order, and the count of steps.
    ///
    /// - Precondition: as many moments as the state has, of its size.
    public func restore(moments: [Tensor], stepCount: Int) {
        precondition(moments.count == state.moments.count, "\(moments.count) moments for \(state.moments.count)")
        for (mine, saved) in zip(state.moments, moments) { mine.tensor.assign(saved) }
        state.stepCount = stepCount
    }
}
