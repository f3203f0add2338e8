import Autograd
import TensorCore
import TestSupport

/// One training step of a small network made of most operations, large enough that every loop has several blocks.
final class NetworkStep {
    private final class Parameter {
        let value: Tensor
        let gradient: Tensor
        init(_ value: Tensor) {
            self.value = value.converted(to: .f32)
            gradient = Tensor.zeros(value.shape)
        }
    }

    private let images: Tensor
    private let stem: Parameter
    private let stemBias: Parameter
    private let gamma: Parameter
    private let beta: Parameter
    private let widen: Parameter
    private let positions: Parameter
    private let normGamma: Parameter
    private let normBeta: Parameter
    private let qkv: Parameter
    private let qkvBias: Parameter
    private let first: Parameter
    private let firstBias: Parameter
    private let second: Parameter
    private let upsample: Parameter
    private let classes: Parameter
    private let running = BatchNormStatistics(channels: 16)
    private let labels: [Int32]
    private let target: Tensor

    init() {
        var maker = TensorMaker("network")
        images = maker.normal(3, 40, 48, 3).converted(to: .f32)
        stem = Parameter(maker.normal(16, 3, 3, 3, scale: 0.2))
        stemBias = Parameter(maker.normal(16, scale: 0.1))
        gamma = Parameter(maker.normal(16))
        beta = Parameter(maker.normal(16))
        widen = Parameter(maker.normal(24, 16, 1, 1, scale: 0.2))
        positions = Parameter(maker.normal(120, 24, scale: 0.1))
        normGamma = Parameter(maker.normal(24))
        normBeta = Parameter(maker.normal(24))
        qkv = Parameter(maker.normal(72, 24, scale: 0.2))
        qkvBias = Parameter(maker.normal(72, scale: 0.1))
        first = Parameter(maker.normal(96, 24, scale: 0.2))
        firstBias = Parameter(maker.normal(96, scale: 0.1))
        second = Parameter(maker.normal(24, 96, scale: 0.2))
        upsample = Parameter(maker.normal(24, 10, 2, 2, scale: 0.2))
        classes = Parameter(maker.normal(7, 10, scale: 0.3))
        labels = maker.labels(3 * 40 * 48, below: 7, ignore: -1)
        target = maker.normal(9 * 9, 24).converted(to: .f32)
    }

    private var parameters: [Parameter] {
        [
            stem, stemBias, gamma, beta, widen, positions, normGamma, normBeta, qkv, qkvBias, first, firstBias, second,
            upsample, classes,
        ]
    }

    /// Runs forward and backward; the gradients add up.
    func run() -> Double {
        let tape = Tape()
        func leaf(_ p: Parameter) -> Variable { tape.leaf(p.value, gradient: p.gradient, owner: p) }
        var x = Variable(images).conv2d(leaf(stem), leaf(stemBias), stride: 2, padding: 1)
        x = x.batchNorm(leaf(gamma), leaf(beta), running: running, training: true).relu()
        x = x.maxPool(size: 2, stride: 2).conv2d(leaf(widen))
        let tokens = x.reshaped([3, 120, 24]).addingRows(leaf(positions))
        let attended =
            tokens.layerNorm(leaf(normGamma), leaf(normBeta)).linear(leaf(qkv), leaf(qkvBias))
            .attention(heads: 3) + tokens
        let mixed = attended.linear(leaf(first), leaf(firstBias), activation: .gelu).linear(
            leaf(second), residual: attended)
        let map = mixed.reshaped([3, 10, 12, 24])
        let dense = map.convTranspose2x2(leaf(upsample)).resizedBilinear(to: (40, 48)).linear(leaf(classes))
        let rois = (0..<9).map { ROI(image: $0 % 3, level: 0, box: (Double($0) * 3 - 4, 2, 30 + Double($0) * 2, 35.5)) }
        let regions = Variable.roiAlign(levels: [map], rois: rois, size: 3, strides: [4]).reshaped([81, 24])
        let loss = Variable.weightedSum([
            (dense.crossEntropy(labels: labels), 1), (regions.smoothL1(target, beta: 0.5), 0.7),
            (regions.cosineLoss(target), 0.3), (mixed.normalized().softmax().mean(), 2),
        ])
        let value = loss.item()
        tape.backward(loss)
        return value
    }

    /// The bytes of every gradient and running value.
    func bytes() -> [UInt8] {
        (parameters.map(\.gradient) + [running.mean, running.variance]).flatMap { tensor in
            [UInt8](UnsafeRawBufferPointer(start: tensor.raw, count: tensor.byteCount))
        }
    }
}
