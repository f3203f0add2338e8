import Autograd
import DenseHeads
import Determinism
import NeuralLayers
import TensorCore

/// A linear classifier of standardised patch tokens, trained by AdamW on each patch's commonest class.
struct PatchProbe: SegmentationProbe {
    var epochs = 20
    var batchSize = 2048
    var learningRate = 1e-2
    var weightDecay = 1e-4
    var seed: UInt64 = 0

    var words: String {
        "linear on standardised patch tokens, \(epochs) epochs of \(batchSize), rate \(learningRate), "
            + "weight decay \(weightDecay)"
    }
    var choice: String { "rate \(learningRate)" }

    func fit(_ set: ProbeSet, shouldStop: () -> Bool) throws -> any FittedSegmentationProbe {
        let tokens = try set.rows()
        let scaling = ChannelScaling(tokens)
        let x = scaling(tokens)
        let (rows, width) = (x.shape[0], x.shape[1])
        let targets = try set.pixels().majorities()
        var stream = RandomStream(seed: seed, purpose: "patch probe")
        let classifier = Linear(width, set.classCount, initialization: .normal(0.01), &stream)
        let optimizer = AdamW(ParameterGroup.decayed(classifier.stateEntries(), weightDecay: weightDecay))
        let perEpoch = max(1, rows / batchSize)
        let schedule = Schedule(.cosine, base: learningRate, totalSteps: epochs * perEpoch)
        for step in 0..<epochs * perEpoch {
            if shouldStop() { throw TrainingInterrupted(completedSteps: 0) }
            var order = RandomStream(seed: seed, purpose: "patch probe batch", UInt64(step))
            let picked = (0..<min(batchSize, rows)).map { _ in Int32(order.int(below: rows)) }
            let tape = Tape()
            let forward = Forward(mode: .training, seed: UInt64(step), tape: tape)
            optimizer.zeroGradients()
            let logits = classifier(Variable(x).gatheringRows(picked), forward)
            tape.backward(logits.crossEntropy(labels: picked.map { targets[Int($0)] }))
            optimizer.step(learningRate: schedule(step))
        }
        return Fitted(scaling: scaling, classifier: classifier)
    }

    private struct Fitted: PatchScoringProbe {
        let scaling: ChannelScaling
        let classifier: Linear

        func scores(_ tokens: Tensor) -> Tensor { classifier(Variable(scaling(tokens)), .evaluation).value }
    }
}
