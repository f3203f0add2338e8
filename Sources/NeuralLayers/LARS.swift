import CKernels
import TensorCore

/// Gradient descent with momentum at a rate of each parameter's own: layer-wise adaptive rate scaling.
///
///     g = q·(g + λp),  q = τ‖p‖ / ‖g + λp‖        where p has more than one axis and neither norm is 0; else q = 1
///     v = μv + g,  p = p − ηv
///
/// Values of one axis (biases, norms) have neither decay nor a rate of their own.
///
/// - Source: You et al. 2017, arXiv:1708.03888, in the form of MoCo v3's and MAE's `lars.py`: the rate is applied after the
///   momentum, τ = 0.001.
public final class LARS: Optimizer {
    public let state: OptimizerState
    private let momentum: Double
    private let trustCoefficient: Double

    public init(_ groups: [ParameterGroup], momentum: Double = 0.9, trustCoefficient: Double = 0.001) {
        state = OptimizerState(groups, moments: ["momentum"])
        self.momentum = momentum
        self.trustCoefficient = trustCoefficient
    }

    public func apply(learningRate: Double, gradientScale: Double) {
        let table = Kernels.table(values.dtype)
        let (p, v) = (values.raw, state.moments[0].tensor.raw)
        for segment in state.segments {
            let rate = learningRate * segment.learningRateScale
            for parameter in segment.parameters {
                let adapts = parameter.axisCount > 1
                state.forEachPart(of: parameter.range) { byte, g, count in
                    if gradientScale != 1 { table.pointee.scale(g, g, gradientScale, count) }
                    if adapts && segment.weightDecay != 0 {
                        table.pointee.axpy(g, p + byte, segment.weightDecay, count)
                    }
                }
                let ratio = adapts ? trustRatio(parameter.range) : 1
                state.forEachPart(of: parameter.range) { byte, g, count in
                    table.pointee.scale(v + byte, v + byte, momentum, count)
                    table.pointee.axpy(v + byte, g, ratio, count)
                    table.pointee.axpy(p + byte, v + byte, -rate, count)
                }
            }
        }
    }

    private func trustRatio(_ range: Range<Int>) -> Double {
        let (size, change) = (state.valueNorm(range), state.gradientNorm(range))
        return size > 0 && change > 0 ? trustCoefficient * size / change : 1
    }
}
