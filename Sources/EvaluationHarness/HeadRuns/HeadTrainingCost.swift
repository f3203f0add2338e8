import Autograd
import Determinism
import NeuralLayers
import TensorCore

/// What the steps of a head's training cost on this machine, from real steps of its true network on blank pictures.
struct HeadTrainingCost {
    /// Pictures of the timed step: the recipe's own number at most, fewer where that would take long, two at least.
    var timedPictures: Int
    /// For one picture.
    var seconds: Double
    /// Weights, gradients and moments, and what a step holds whatever its pictures.
    var fixedBytes: Int
    /// What a step holds for one picture.
    var pictureBytes: Int

    private static let mostPictures = 16

    /// - Parameters:
    ///   - timedSeconds: about how long the timed step may take; 0 times the one that memory is measured on.
    ///   - loss: the terms of so many pictures.
    static func measure(
        _ model: some Layer, depth: Int, _ tuning: FineTuning, timedSeconds: Double = 10,
        loss: (_ pictures: Int, Forward) -> [LossTerm]
    ) -> HeadTrainingCost {
        let groups = LayerDecay(depth: depth, rate: tuning.layerDecay).groups(model, weightDecay: tuning.weightDecay)
        let optimizer = tuning.optimizer.make(groups)
        let fixed = model.stateBytes + optimizer.heldBytes
        func step(_ pictures: Int) {
            optimizer.zeroGradients()
            let tape = Tape()
            let forward = Forward(
                mode: .training, seed: tuning.seed, tape: tape, bf16: tuning.precision == .bf16,
                checkpointedBlocks: tuning.checkpointedBlocks)
            tape.backward(LossTerm.total(loss(pictures, forward)))
            optimizer.step(learningRate: 0)
        }
        let memory = StepMemory(step)
        let held = min(tuning.microBatch ?? tuning.batchSize, mostPictures)
        let count = max(2, min(held, Int(timedSeconds / max(memory.seconds / 2, 1e-9))))
        let seconds = count == 2 ? memory.seconds : ContinuousClock().measure { step(count) }.seconds
        return HeadTrainingCost(
            timedPictures: count, seconds: seconds / Double(count), fixedBytes: fixed + memory.base,
            pictureBytes: memory.perPicture)
    }
}
