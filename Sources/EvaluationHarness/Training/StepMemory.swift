import NeuralLayers
import TensorCore

/// How the memory of a training step grows with its pictures, from steps of one and of two.
struct StepMemory {
    /// What a step holds whatever its pictures.
    var base: Int
    /// What it holds more for each.
    var perPicture: Int
    /// What the step of two pictures took.
    var seconds: Double

    /// - Parameter step: one step of so many pictures.
    init(_ step: (_ pictures: Int) -> Void) {
        let one = Allocator.peakBytes { step(1) }
        var time = Duration.zero
        let two = Allocator.peakBytes { time = ContinuousClock().measure { step(2) } }
        seconds = time.seconds
        perPicture = max(0, two - one)
        base = max(0, one - perPicture)
    }
}

extension Layer {
    /// Bytes of parameters and buffers.
    var stateBytes: Int { stateEntries().reduce(0) { $0 + $1.tensor.byteCount } }
}

extension Optimizer {
    /// Bytes of gradients and moments: what a training holds besides the parameters.
    var heldBytes: Int { gradients.byteCount + state.moments.reduce(0) { $0 + $1.tensor.byteCount } }
}
