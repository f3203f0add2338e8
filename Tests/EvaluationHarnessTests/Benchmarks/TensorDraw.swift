import Autograd
import Determinism
import NeuralLayers
import TensorCore

/// Random pictures, and one training step, for tests of models.
enum TensorDraw {
    /// `(N, S, S, 3)`.
    static func images(_ count: Int, _ side: Int) -> Tensor {
        var stream = RandomStream(seed: 9, purpose: "test pictures")
        return Tensor((0..<count * side * side * 3).map { _ in Float(stream.normal()) }, [count, side, side, 3])
    }

    /// One step at rate 0.01; the loss before it.
    static func step(_ optimizer: AdamW, _ loss: (Forward) -> Variable) -> Double {
        let tape = Tape()
        optimizer.zeroGradients()
        let value = loss(Forward(mode: .training, tape: tape))
        tape.backward(value)
        optimizer.step(learningRate: 0.01)
        return value.item()
    }
}
