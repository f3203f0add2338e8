import Autograd
import DenseHeads
import Determinism
import Geometry
import NeuralLayers
import TensorCore

/// A linear segmentation head trained on whole maps of cached tokens: one 1x1 convolution, behind batch normalisation
/// or not, with the loss taken pixel by pixel on logits resized to the labels.
struct LinearHeadProbe: SegmentationProbe {
    var normalizes = true
    var learningRate = 1e-3
    var weightDecay = 1e-4
    var steps: Int
    var warmupSteps: Int
    var batchSize = 16
    var seed: UInt64 = 0

    /// The recipe's steps for a data set of `pictures`: as many passes as over ADE20K's 20,210.
    static func scaledSteps(_ recipe: Int, pictures: Int) -> Int {
        max(1, Int((Double(recipe) * Double(pictures) / 20_210).rounded()))
    }

    var words: String {
        (normalizes ? "batch norm and " : "") + "1x1 convolution, \(steps) steps of \(batchSize), AdamW rate "
            + "\(learningRate), weight decay \(weightDecay), warm-up \(warmupSteps), linear to 0"
    }
    var choice: String { "rate \(learningRate)" }

    func fit(_ set: ProbeSet, shouldStop: () -> Bool) throws -> any FittedSegmentationProbe {
        let segmenter = try makeSegmenter(set)
        try train(segmenter, set, shouldStop: shouldStop)
        return Fitted(segmenter: segmenter)
    }

    /// - Returns: the loss of each step.
    @discardableResult
    func train(_ segmenter: LinearSegmenter, _ set: ProbeSet, shouldStop: () -> Bool) throws -> [Double] {
        var losses: [Double] = []
        let optimizer = AdamW(ParameterGroup.decayed(segmenter.stateEntries(), weightDecay: weightDecay))
        let plan = EpochPlanOfSteps(sampleCount: set.count, batchSize: batchSize, seed: seed)
        let schedule = Schedule(
            .polynomial(power: 1), base: learningRate, warmupSteps: min(warmupSteps, steps), totalSteps: steps)
        for step in 0..<steps {
            if shouldStop() { throw TrainingInterrupted(completedSteps: 0) }
            let members = plan.indices(step: step)
            let targets = try ParallelMap.map(members.count) { place in
                let map = try set.labels(of: members[place])
                return SemanticLabels(
                    size: ImageSize(height: map.height, width: map.width), labels: map.values.map(Int32.init))
            }
            let tape = Tape()
            let forward = Forward(mode: .training, seed: UInt64(step), tape: tape)
            optimizer.zeroGradients()
            let loss = LossTerm.total(segmenter.loss(try maps(set, members), targets, forward))
            losses.append(loss.value.doubles()[0])
            tape.backward(loss)
            let outcome = optimizer.step(learningRate: schedule(step))
            if !outcome.isApplied { throw DivergenceError(steps: [step]) }
        }
        return losses
    }

    /// A fresh head for a set's features.
    func makeSegmenter(_ set: ProbeSet) throws -> LinearSegmenter {
        var stream = RandomStream(seed: seed, purpose: "linear head probe")
        let head = try LinearHead(
            inputs: [Self.spec(set)], classCount: set.classCount, normalizes: normalizes, &stream)
        return try SemanticSegmenter(
            neck: nil, decoder: head, ignoreLabel: Int32(set.ignoreLabel), averaging: .allPixels)
    }

    private static func spec(_ set: ProbeSet) -> FeatureSpec {
        FeatureSpec(name: "tokens", channels: set.store.shape.channels, stride: set.side / set.grid.height)
    }

    private func maps(_ set: ProbeSet, _ members: [Int]) throws -> FeatureMaps {
        let tokens = try set.tokens(members)
        let map = tokens.reshaped([members.count, set.grid.height, set.grid.width, tokens.shape[2]])
        return FeatureMaps([(Self.spec(set), Variable(map))])
    }

    struct Fitted: PatchScoringProbe {
        let segmenter: LinearSegmenter

        func scores(_ tokens: Tensor) -> Tensor {
            let map = Variable(tokens.reshaped([1, tokens.shape[0], 1, tokens.shape[1]]))
            let spec = FeatureSpec(name: "tokens", channels: tokens.shape[1], stride: 1)
            return segmenter.logits(FeatureMaps([(spec, map)]), .evaluation).value.reshaped([tokens.shape[0], -1])
        }
    }
}
