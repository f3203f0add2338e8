import Autograd
import Determinism
import NeuralLayers

/// A layer that turns a pyramid into class logits on one of its grids.
public protocol SemanticDecoder: Layer {
    var classCount: Int { get }
    /// - Returns: logits `(N, H', W', classCount)`.
    func callAsFunction(_ features: FeatureMaps, _ forward: Forward) -> Variable
}

extension Variable {
    /// Dropout of whole channels while training; `purpose` keeps the draws of several heads apart.
    func channelDropout(_ probability: Double, purpose: String, _ forward: Forward) -> Variable {
        guard forward.mode == .training else { return self }
        let stream = RandomStream(seed: forward.seed, purpose: purpose)
        return dropout(
            probability, stream: forward.own(stream, pictures: shape[0], draws: shape[shape.count - 1]),
            channelwise: true)
    }
}
