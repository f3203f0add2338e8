import TensorCore

/// Stochastic gradient descent with momentum.
///
///     v = μv + g,  p = p − ηv
///
/// - Source: PyTorch's `SGD(momentum=μ)` without dampening and decay: what DINO's and iBOT's linear probes use.
public final class SGD {
    private let parameters: [Parameter]
    private let velocities: [Tensor]
    private let momentum: Double

    public init(_ parameters: [Parameter], momentum: Double = 0.9) {
        precondition(!parameters.isEmpty, "SGD without parameters")
        self.parameters = parameters
        self.momentum = momentum
        velocities = parameters.map { .zeros($0.shape, $0.value.dtype) }
        for parameter in parameters { parameter.gradient = .zeros(parameter.shape, parameter.value.dtype) }
    }

    public func zeroGradients() {
        for parameter in parameters { parameter.gradient?.zero() }
    }

    /// Applies the gradients.
    public func step(learningRate: Double) {
        for (parameter, velocity) in zip(parameters, velocities) {
            guard let gradient = parameter.gradient else { continue }
            let (table, count) = (Kernels.table(velocity.dtype), velocity.count)
            table.pointee.scale(velocity.raw, velocity.raw, momentum, count)
            table.pointee.axpy(velocity.raw, gradient.raw, 1, count)
            table.pointee.axpy(parameter.value.raw, velocity.raw, -learningRate, count)
        }
    }
}
