import Autograd
import Determinism
import NeuralLayers
import TensorCore
import TestSupport
import Testing

/// A one-block token backbone, small enough for finite differences.
final class TinyEncoder: TokenBackbone {
    let width = 8
    let patchSize = 2
    let depth = 1
    let headCount = 2
    let projection: Conv2d
    let start: Parameter
    let block: TransformerBlock
    let norm: LayerNorm

    init(seed: UInt64 = 0) {
        var stream = RandomStream(seed: seed, purpose: "tiny encoder")
        projection = Conv2d(3, 8, kernel: 2, stride: 2, &stream)
        start = Parameter(Initialization.normal(0.5).draw([1, 1, 8], fanIn: 1, fanOut: 1, &stream))
        block = TransformerBlock(width: 8, heads: 2, &stream)
        norm = LayerNorm(8)
    }

    static var slots: [Slot<TinyEncoder>] {
        [
            .layer("projection", \.projection), .parameter("start", \.start), .layer("block", \.block),
            .layer("norm", \.norm),
        ]
    }

    func tokens(of images: Variable, _ request: TokenRequest, _ forward: Forward) -> Tokens {
        let (n, height, width) = (images.shape[0], images.shape[1] / 2, images.shape[2] / 2)
        let count = height * width
        var patches = projection(images, forward).reshaped([n, count, 8])
        func rows(_ lists: [[Int32]]) -> [Int32] {
            lists.enumerated().flatMap { at, list in list.map { Int32(at * count) + $0 } }
        }
        if let masked = request.masked {
            let hidden = rows(masked.patches)
            let fill = masked.token.reshaped([1, 8]).gatheringRows([Int32](repeating: 0, count: hidden.count))
            patches = fill.scatteringRows(hidden, into: patches)
        }
        if let visible = request.visible {
            patches = patches.gatheringRows(rows(visible)).reshaped([n, visible[0].count, 8])
        }
        let starts = forward(start).reshaped([1, 8]).gatheringRows([Int32](repeating: 0, count: n)).reshaped([n, 1, 8])
        let x = norm(block(.concatenated([starts, patches], axis: 1), forward), forward)
        return Tokens(
            classToken: x.sliced(axis: 1, 0..<1).reshaped([n, 8]), patches: x.sliced(axis: 1, 1..<x.shape[1]),
            grid: (height, width))
    }
}

/// Pictures `(N, 8, 8, 3)` of smooth random waves.
func waves(_ count: Int, seed: UInt64 = 1, dtype: DType = .f32) -> Tensor {
    var values: [Double] = []
    for n in 0..<count {
        var stream = RandomStream(seed: seed, purpose: "waves", UInt64(n))
        let (a, b) = (stream.uniform(-1...1), stream.uniform(-1...1))
        let phases = (0..<3).map { _ in stream.uniform(0...3) }
        for y in 0..<8 {
            for x in 0..<8 {
                for c in 0..<3 {
                    let angle: Double = a * Double(x) + b * Double(y) + phases[c]
                    values.append(angle.truncatingRemainder(dividingBy: 2) - 0.3 * angle)
                }
            }
        }
    }
    return Tensor(values, [count, 8, 8, 3]).converted(to: dtype)
}

/// The gradient of a loss against differences along directions of every trainable parameter: three, or as many as
/// `DMT_GRADIENT_DIRECTIONS` says.
func checkGradients(
    _ layer: some Layer, _ name: String, _ location: SourceLocation = #_sourceLocation,
    loss: @escaping (Forward) -> Variable
) {
    let count = EnvironmentCount("DMT_GRADIENT_DIRECTIONS")
    let check = DirectionalCheck(layer.parameters) { loss(Forward(mode: .training, seed: 3, tape: $0)) }
    let report = check.randomDirections(count.wanted ?? 3)
    #expect(report.worst < Tolerance.directionalCheck, "\(report)", sourceLocation: location)
    count.tell("\(name): \(check.valueCount) values, \(count.wanted ?? 0) directions, \(report.worst)")
}

/// Steps of AdamW; the loss before and after.
func overfit(_ layer: some Layer, steps: Int, rate: Double, afterStep: () -> Void = {}, loss: (Forward) -> Variable)
    -> (
        first: Double, last: Double
    )
{
    let optimizer = AdamW(ParameterGroup.decayed(layer.stateEntries(), weightDecay: 0))
    var values: [Double] = []
    for step in 0..<steps {
        let tape = Tape()
        optimizer.zeroGradients()
        let value = loss(Forward(mode: .training, seed: UInt64(step), tape: tape))
        tape.backward(value)
        optimizer.step(learningRate: rate)
        afterStep()
        values.append(value.item())
    }
    return (values[..<3].reduce(0, +) / 3, values.suffix(3).reduce(0, +) / 3)
}
