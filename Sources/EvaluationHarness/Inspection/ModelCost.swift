import Autograd
import Determinism
import JSONText
import NeuralLayers
import TensorCore
import VisionBackbones

/// What an encoder costs on this machine: memory of its activations and pictures a second.
public struct ModelCost: Sendable, Equatable {
    public typealias Precision = ModelBenchmark.Precision

    public var batchSize: Int
    public var precision: Precision
    public var threads: Int
    /// The most bytes that tensors hold at once beyond the weights, for the whole batch: in a pass without gradients, and in
    /// one with everything kept for the backward pass, gradients of the weights included.
    public var forwardBytes: Int
    public var trainingBytes: Int
    /// Forward passes in the precision; the median of the timed ones.
    public var imagesPerSecond: Double

    /// Runs random weights on random pictures: two passes to warm up, then `passes` timed ones.
    public static func measure(
        _ configuration: ViTConfiguration, imageSize: Int, batchSize: Int, precision: Precision, passes: Int = 5
    ) -> ModelCost {
        let model = VisionTransformer(configuration, seed: 0)
        var stream = RandomStream(seed: 0, purpose: "cost pictures")
        let images = Variable(
            Initialization.normal(1).draw([batchSize, imageSize, imageSize, 3], fanIn: 1, fanOut: 1, &stream))
        let forward = Forward(mode: .evaluation, bf16: precision == .bf16)
        let forwardBytes = Allocator.peakBytes { _ = model.tokens(of: images, forward) }
        let trainingBytes = Allocator.peakBytes {
            let tape = Tape()
            let tokens = model.tokens(of: images, Forward(mode: .training, tape: tape))
            tape.backward(Variable.weightedSum([(tokens.classToken.mean(), 1), (tokens.patches.mean(), 1)]))
            for parameter in model.parameters { parameter.gradient = nil }
        }
        _ = model.tokens(of: images, forward)
        let clock = ContinuousClock()
        let seconds = (0..<passes).map { _ in
            let spent = clock.measure { _ = model.tokens(of: images, forward) }
            return Double(spent.components.seconds) + Double(spent.components.attoseconds) * 1e-18
        }.sorted()
        return ModelCost(
            batchSize: batchSize, precision: precision, threads: Parallel.threadCount, forwardBytes: forwardBytes,
            trainingBytes: trainingBytes, imagesPerSecond: Double(batchSize) / seconds[passes / 2])
    }

    var json: JSONValue {
        .object([
            ("batch", .int(Int64(batchSize))), ("precision", .string(precision.rawValue)),
            ("threads", .int(Int64(threads))), ("activation_bytes_forward", .int(Int64(forwardBytes))),
            ("activation_bytes_training", .int(Int64(trainingBytes))),
            ("images_per_second", .double(imagesPerSecond)),
        ])
    }

    var lines: [String] {
        [
            "activations of \(batchSize) pictures: \(forwardBytes >> 20) MiB forward, \(trainingBytes >> 20) MiB in training",
            "speed: \(ProgressReporter.fixed(imagesPerSecond)) images/s forward, \(precision.rawValue), batch "
                + "\(batchSize), \(threads) threads",
        ]
    }
}
