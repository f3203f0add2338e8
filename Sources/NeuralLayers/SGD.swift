import CKernels
import TensorCore

/// Stochastic gradient descent with momentum, weight decay added to the gradient.
///
///     g = g + λp,  v = μv + g,  p = p − ηv        or, with Nesterov's momentum, p = p − η(g + μv)
///
/// - Source: PyTorch's `SGD` without dampening. DINO's, iBOT's and MoCo v3's linear probes use it with μ = 0.9, λ = 0.
public final class SGD: Optimizer {
    public let state: OptimizerState
    private let momentum: Double
    private let usesNesterov: Bool

    public init(_ groups: [ParameterGroup], momentum: Double = 0.9, nesterov: Bool = false) {
        state = OptimizerState(groups, moments: ["momentum"])
        self.momentum = momentum
        usesNesterov = nesterov
    }

    public func apply(learningRate: Double, gradientScale: Double) {
        let table = Kernels.table(values.dtype)
        let (p, v) = (values.raw, state.moments[0].tensor.raw)
        for segment in state.segments {
            let rate = learningRate * segment.learningRateScale
            state.forEachPart(of: segment.range) { byte, g, count in
                if gradientScale != 1 { table.pointee.scale(g, g, gradientScale, count) }
                if segment.weightDecay != 0 { table.pointee.axpy(g, p + byte, segment.weightDecay, count) }
                table.pointee.scale(v + byte, v + byte, momentum, count)
                table.pointee.axpy(v + byte, g, 1, count)
                if usesNesterov {
                    table.pointee.axpy(p + byte, g, -rate, count)
                    table.pointee.axpy(p + byte, v + byte, -rate * momentum, count)
                } else {
                    table.pointee.axpy(p + byte, v + byte, -rate, count)
                }
            }
        }
    }
}
