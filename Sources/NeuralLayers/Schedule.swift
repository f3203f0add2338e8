import Foundation

/// A value over steps: linear warm-up, then a fall.
public struct Schedule: Sendable, Equatable {
    public enum Shape: Sendable, Equatable {
        case constant
        case cosine
        /// `(1 − progress)^power`.
        case polynomial(power: Double)
        /// Times 0.1 at each milestone.
        case steps([Int])
    }
    public var base: Double
    public var final: Double
    public var warmupSteps: Int
    public var warmupStart: Double
    public var totalSteps: Int
    public var shape: Shape

    public init(
        _ shape: Shape, base: Double, final: Double = 0, warmupSteps: Int = 0, warmupStart: Double = 0, totalSteps: Int
    ) {
        self.shape = shape
        self.base = base
        self.final = final
        self.warmupSteps = warmupSteps
        self.warmupStart = warmupStart
        self.totalSteps = totalSteps
    }

    /// The value at step `0..<totalSteps`.
    public func callAsFunction(_ step: Int) -> Double {
        if step < warmupSteps {
            return warmupStart + (base - warmupStart) * Double(step + 1) / Double(warmupSteps)
        }
        let span = Double(max(totalSteps - warmupSteps, 1))
        let progress = min(1, Double(step - warmupSteps) / span)
        switch shape {
        case .constant: return base
        case .cosine: return final + (base - final) * 0.5 * (1 + cos(Double.pi * progress))
        case .polynomial(let power): return final + (base - final) * pow(1 - progress, power)
        case .steps(let milestones): return base * pow(0.1, Double(milestones.filter { $0 <= step }.count))
        }
    }
}
