import Autograd
import Determinism
import NeuralLayers
import TensorCore

/// A network of twenty stages, each with a weight and a bias, whose values and gradients can be replaced behind any of them.
final class PoisonedNetwork: Layer {
    enum Kind: CaseIterable { case convolution, batchNorm, linear, layerNorm, perceptron, attention, pooling }

    /// Replaces values on their way: the number of the stage, and what they become.
    struct Poison {
        var stage: Int
        var value: Float
        /// One value of the output, or the whole gradient that comes back.
        var isGradient = false
        /// Which value; the middle one unless given.
        var place: Int?
    }

    final class Stage: Layer {
        let kind: Kind
        let weight: Parameter
        let bias: Parameter
        let running = BatchNormStatistics(channels: 4)

        init(_ kind: Kind, _ stream: inout RandomStream) {
            self.kind = kind
            func normal(_ shape: [Int], _ offset: Double = 0) -> Parameter {
                Parameter(
                    Tensor((0..<shape.reduce(1, *)).map { _ in Float(offset + 0.3 * stream.normal()) }, shape))
            }
            let shape =
                switch kind {
                case .convolution: [4, 4, 3, 3]
                case .batchNorm, .layerNorm, .pooling: [4]
                case .linear, .perceptron: [4, 4]
                case .attention: [12, 4]
                }
            weight = normal(shape, shape.count == 1 ? 1 : 0)
            bias = normal([kind == .attention ? 12 : 4])
        }

        static var slots: [Slot<Stage>] { [.parameter("weight", \.weight), .parameter("bias", \.bias)] }

        /// `x + f(x)`, of the shape of `x`.
        func callAsFunction(_ x: Variable, _ forward: Forward) -> Variable {
            let (weight, bias, shape) = (forward(weight), forward(bias), x.shape)
            switch kind {
            case .convolution: return x + x.conv2d(weight, bias, padding: 1, activation: .relu)
            case .batchNorm: return x + x.batchNorm(weight, bias, running: running, training: true, relu: true)
            case .linear: return x.linear(weight, bias, activation: .relu, residual: x)
            case .layerNorm: return x + x.layerNorm(weight, bias)
            case .perceptron: return x.perceptron((weight, bias), (weight, bias), activation: .gelu, residual: x)
            case .attention:
                let tokens = x.reshaped([shape[0], shape[1] * shape[2], shape[3]])
                return x + tokens.linear(weight, bias).attention(heads: 2).reshaped(shape)
            case .pooling:
                let pooled = x.maxPool(size: 2, stride: 1).resizedBilinear(to: (shape[1], shape[2]))
                return x + pooled.scalingColumns(weight).addingRows(bias)
            }
        }
    }

    static let stageCount = 20
    let stages: [Stage]
    private let images: Tensor

    init(seed: UInt64 = 1) {
        var stream = RandomStream(seed: seed, purpose: "poisoned network")
        stages = (0..<Self.stageCount).map { Stage(Kind.allCases[$0 % Kind.allCases.count], &stream) }
        images = Tensor((0..<2 * 4 * 5 * 4).map { _ in Float(stream.normal()) }, [2, 4, 5, 4])
    }

    static var slots: [Slot<PoisonedNetwork>] { [.layers("stages", \.stages)] }

    /// A loss of what leaves the last stage, taken for 40 rows of 4 logits.
    func loss(_ forward: Forward, _ poison: Poison?, ofLogits loss: (Variable) -> Variable) -> [LossTerm] {
        var x = Variable(images)
        for stage in stages { x = stage(x, forward).scaled(by: 0.7) }
        if let poison { x = x.poisoned(poison) }
        return [LossTerm(name: "logits", value: loss(x.reshaped([40, 4])))]
    }

    /// A term a stage, of about size one.
    func loss(_ forward: Forward, _ poison: Poison? = nil) -> [LossTerm] {
        var x = Variable(images)
        return stages.enumerated().map { number, stage in
            x = stage(x, forward).scaled(by: 0.7)
            if let poison, poison.stage == number { x = x.poisoned(poison) }
            return LossTerm(name: "stage\(number)", value: x.multiplied(by: x).mean())
        }
    }
}

extension Variable {
    fileprivate func poisoned(_ poison: PoisonedNetwork.Poison) -> Variable {
        let y = value.copy()
        if !poison.isGradient { y.f32()[poison.place ?? y.count / 2] = poison.value }
        return .record(y, from: [self]) { dy in
            [poison.isGradient ? Tensor.full(dy.shape, Double(poison.value), .f32) : dy]
        }
    }
}
