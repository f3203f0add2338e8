import Autograd
import Determinism
import NeuralLayers
import Reporting
import TensorCore
import VisionBackbones

extension NetworkCost {
    public typealias Precision = ProductPrecision

    /// An encoder of random weights on random pictures.
    ///
    /// - Parameter batchSize: as many pictures as 8 of 224 pixels have pixels, unless given.
    public static func measure(
        _ configuration: ViTConfiguration, network: String, imageSize: Int, batchSize: Int? = nil,
        precision: Precision = .f32
    ) -> NetworkCost {
        let model = VisionTransformer(configuration, seed: 0)
        let forward = Forward(mode: .evaluation, bf16: precision == .bf16)
        return measure(
            network: network, parameters: configuration.parameterCount(), imageSize: imageSize, batchSize: batchSize,
            precision: precision, pass: { _ = model.tokens(of: $0, forward) },
            training: { images in
                let tape = Tape()
                let tokens = model.tokens(of: images, Forward(mode: .training, tape: tape))
                tape.backward(Variable.weightedSum([(tokens.classToken.mean(), 1), (tokens.patches.mean(), 1)]))
                for parameter in model.parameters { parameter.gradient = nil }
            })
    }

    /// A whole network as it stands, in f32 and without gradients.
    static func measure(
        _ model: some Layer, network: String, imageSize: Int, pass: (Variable) -> Void
    ) -> NetworkCost {
        measure(
            network: network, parameters: model.parameters.reduce(0) { $0 + $1.value.count }, imageSize: imageSize,
            batchSize: nil, precision: .f32, pass: pass, training: nil)
    }

    /// Two passes to warm up, then five timed ones, of which the median counts.
    private static func measure(
        network: String, parameters: Int, imageSize: Int, batchSize: Int?, precision: Precision,
        pass: (Variable) -> Void, training: ((Variable) -> Void)?
    ) -> NetworkCost {
        let batch = batchSize ?? min(8, max(1, 8 * 224 * 224 / (imageSize * imageSize)))
        var stream = RandomStream(seed: 0, purpose: "cost pictures")
        let images = Variable(
            Initialization.normal(1).draw([batch, imageSize, imageSize, 3], fanIn: 1, fanOut: 1, &stream))
        var flops = 0
        let forwardBytes = Allocator.peakBytes { flops = ProductCount.flops { pass(images) } }
        let trainingBytes = training.map { training in Allocator.peakBytes { training(images) } }
        pass(images)
        let clock = ContinuousClock()
        let seconds = (0..<5).map { _ in
            let spent = clock.measure { pass(images) }
            return spent.seconds
        }.sorted()
        return NetworkCost(
            network: network, parameters: parameters, flops: Double(flops) / Double(batch), imageSize: imageSize,
            batchSize: batch, precision: precision.rawValue, threads: Parallel.threadCount,
            forwardBytes: forwardBytes, trainingBytes: trainingBytes, imagesPerSecond: Double(batch) / seconds[2])
    }

    var lines: [String] {
        [
            "activations of \(batchSize) pictures: \(forwardBytes >> 20) MiB forward"
                + (trainingBytes.map { ", \($0 >> 20) MiB in training" } ?? ""),
            "speed: \(ProgressReporter.fixed(imagesPerSecond)) images/s forward, \(precision), batch \(batchSize), "
                + "\(threads) threads",
        ]
    }
}
