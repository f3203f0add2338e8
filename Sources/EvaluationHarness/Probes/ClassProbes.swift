import Autograd
import DenseData
import DenseHeads
import DenseMetrics
import Determinism
import Foundation
import NeuralLayers
import TensorCore

/// A way to learn the classes of pictures from frozen features.
protocol ClassProbe {
    /// What is learned and how, for the protocol of a record.
    var words: String { get }
    /// The settings that are tried against each other, as they stand in `words`.
    var choice: String { get }
    /// - Parameters:
    ///   - features: `(N, C)`.
    ///   - labels: `(N)` in `0..<classCount`.
    /// - Returns: the classes of rows `(M, C)`, the likeliest first; none where nothing may vote.
    func fit(
        _ features: Tensor, labels: [Int], classCount: Int, shouldStop: () -> Bool
    ) throws -> (Tensor) -> [[Int]]
}

/// Weighted votes of the nearest pictures.
///
/// - Source: DINO's and iBOT's `eval_knn.py`.
struct NeighbourClassProbe: ClassProbe {
    var neighbours = 20
    var temperature = 0.07

    var words: String { "\(choice) by cosine, temperature \(temperature)" }
    var choice: String { "\(neighbours) neighbours" }

    func fit(
        _ features: Tensor, labels: [Int], classCount: Int, shouldStop: () -> Bool
    ) throws -> (Tensor) -> [[Int]] {
        let votes = NeighbourVotes(
            bank: features.floats(), labels: labels, width: features.shape[1], classCount: classCount,
            neighbourCount: neighbours, temperature: temperature)
        return { votes.rankings(queries: $0.floats()) }
    }
}

/// One linear layer by SGD with momentum 0.9, no decay; the rate, times batch / 256, falls by a cosine over epochs.
///
/// - Source: DINO's and iBOT's `eval_linear.py`; there each epoch draws new crops, here features are computed once.
struct LinearClassProbe: ClassProbe {
    var learningRate = 1e-3
    var epochs = 100
    var batchSize = 128
    var seed: UInt64 = 0

    var words: String {
        "linear, \(epochs) epochs of \(batchSize), SGD momentum 0.9, rate \(learningRate) x batch/256, cosine"
    }
    var choice: String { "rate \(learningRate)" }

    /// The rate of an epoch.
    func rate(epoch: Int) -> Double {
        learningRate * Double(batchSize) / 256 * 0.5 * (1 + cos(Double.pi * Double(epoch) / Double(epochs)))
    }

    func fit(
        _ features: Tensor, labels: [Int], classCount: Int, shouldStop: () -> Bool
    ) throws -> (Tensor) -> [[Int]] {
        var stream = RandomStream(seed: seed, purpose: "linear class probe")
        let classifier = Linear(features.shape[1], classCount, initialization: .normal(0.01), &stream)
        let plan = EpochPlan(sampleCount: labels.count, batchSize: min(batchSize, labels.count), seed: seed)
        let optimizer = SGD([ParameterGroup(classifier.parameters)])
        for epoch in 0..<epochs {
            if shouldStop() { throw TrainingInterrupted(completedSteps: 0) }
            for batch in plan.batches(epoch: epoch) {
                Self.step(
                    classifier, optimizer, features, rows: batch, labels: batch.map { Int32(labels[$0]) },
                    rate: rate(epoch: epoch))
            }
        }
        return { rows in
            TopAccuracy.rankings(
                scores: classifier(Variable(rows), .evaluation).value.floats(), classCount: classCount)
        }
    }

    /// One step on some rows; returns the loss before it.
    @discardableResult
    static func step(
        _ classifier: Linear, _ optimizer: SGD, _ features: Tensor, rows: [Int], labels: [Int32], rate: Double
    ) -> Double {
        let tape = Tape()
        optimizer.zeroGradients()
        let forward = Forward(mode: .training, tape: tape)
        let loss = classifier(Variable(features).gatheringRows(rows.map(Int32.init)), forward).crossEntropy(
            labels: labels)
        let value = loss.value.doubles()[0]
        tape.backward(loss)
        optimizer.step(learningRate: rate)
        return value
    }
}
