import CKernels
import TensorCore

/// Adam with decoupled weight decay.
///
///     m = β₁m + (1−β₁)g,  v = β₂v + (1−β₂)g²
///     p = (1 − ηλ)p − η·(m/(1−β₁ᵗ)) / (√(v/(1−β₂ᵗ)) + ε)
///
/// - Source: Loshchilov, Hutter 2019, arXiv:1711.05101, algorithm 2; the placement of ε is PyTorch's.
public final class AdamW: Optimizer {
    public let state: OptimizerState
    private let betas: (Double, Double)
    private let epsilon: Double

    public init(_ groups: [ParameterGroup], betas: (Double, Double) = (0.9, 0.999), epsilon: Double = 1e-8) {
        state = OptimizerState(groups, moments: ["first_moments", "second_moments"])
        self.betas = betas
        self.epsilon = epsilon
    }

    public func apply(learningRate: Double, gradientScale: Double) {
        let table = Kernels.table(values.dtype)
        let correction1 = 1 - Self.power(betas.0, stepCount)
        let correction2 = 1 - Self.power(betas.1, stepCount)
        let (p, m, v) = (values.raw, state.moments[0].tensor.raw, state.moments[1].tensor.raw)
        for segment in state.segments {
            state.forEachPart(of: segment.range) { byte, g, count in
                table.pointee.adamw(
                    p + byte, g, m + byte, v + byte, count, learningRate * segment.learningRateScale, betas.0,
                    betas.1, epsilon, segment.weightDecay, correction1, correction2, gradientScale)
            }
        }
    }

    private static func power(_ base: Double, _ exponent: Int) -> Double {
        var (result, factor, rest) = (1.0, base, exponent)
        while rest > 0 {
            if rest & 1 == 1 { result *= factor }
            factor *= factor
            rest >>= 1
        }
        return result
    }
}
