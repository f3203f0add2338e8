import TensorCore

/// Parameters that share a learning-rate scale and a weight decay.
public struct ParameterGroup {
    public var parameters: [Parameter]
    public var learningRateScale: Double
    public var weightDecay: Double

    public init(_ parameters: [Parameter], learningRateScale: Double = 1, weightDecay: Double = 0) {
        self.parameters = parameters
        self.learningRateScale = learningRateScale
        self.weightDecay = weightDecay
    }

    /// Two groups a learning-rate scale: values of two or more axes decay, biases and norms do not.
    ///
    /// - Parameter scale: the learning-rate scale of a parameter by its name.
    public static func decayed(
        _ entries: [StateEntry], weightDecay: Double, scale: (String) -> Double = { _ in 1 }
    ) -> [ParameterGroup] {
        var groups: [ParameterGroup] = []
        for entry in entries {
            guard case .parameter(let parameter) = entry.storage, parameter.isTrainable else { continue }
            let (rate, decay) = (scale(entry.name), parameter.shape.count > 1 ? weightDecay : 0)
            if let at = groups.firstIndex(where: { $0.learningRateScale == rate && $0.weightDecay == decay }) {
                groups[at].parameters.append(parameter)
            } else {
                groups.append(ParameterGroup([parameter], learningRateScale: rate, weightDecay: decay))
            }
        }
        return groups
    }
}
