import NeuralLayers
import TensorCore

/// How the memory of a training step grows with its pictures, from a small step and one of twice as many.
struct StepMemory {
    /// What a step holds whatever its pictures.
    var base: Int
    /// What it holds more for each.
    var perPicture: Int
    /// What the larger step took.
    var seconds: Double

    /// - Parameters:
    ///   - unit: the fewest pictures that a step can have.
    ///   - step: one step of so many pictures.
    init<Failure: Error>(unit: Int = 1, _ step: (_ pictures: Int) throws(Failure) -> Void) throws(Failure) {
        let small = try Allocator.peakBytes { () throws(Failure) in try step(unit) }
        let start = ContinuousClock.now
        let large = try Allocator.peakBytes { () throws(Failure) in try step(2 * unit) }
        seconds = (ContinuousClock.now - start).seconds
        perPicture = max(0, large - small) / unit
        base = max(0, small - perPicture * unit)
    }
}

extension Layer {
    /// Bytes of parameters and buffers.
    var stateBytes: Int { stateEntries().reduce(0) { $0 + $1.tensor.byteCount } }
}

extension Optimizer {
    /// Bytes of gradients and moments: what a training holds besides the parameters.
    var heldBytes: Int { values.byteCount + state.moments.reduce(0) { $0 + $1.tensor.byteCount } }
}
