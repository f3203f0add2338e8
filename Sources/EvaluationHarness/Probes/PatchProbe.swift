import Autograd
import DenseMetrics
import Determinism
import ImageFiles
import NeuralLayers
import TensorCore

/// A linear classifier of frozen patch tokens, scored as segmentation.
///
/// Channels are standardised with the training tokens' mean and deviation; each training patch's label is the most common
/// class of its pixels; logits are resized bilinearly to the label's size before the arg max.
public struct PatchProbe {
    public var epochs = 20
    public var batchSize = 2048
    public var learningRate = 1e-2
    public var weightDecay = 1e-4
    public var seed: UInt64 = 0

    public init() {}

    /// Label maps predicted for the test features.
    ///
    /// - Parameters:
    ///   - labels: training labels, one map a training picture, in training labels; `ignore` is not learned.
    ///   - size: of the predicted maps.
    public func predictions(
        train: FrozenFeatures, labels: [LabelImage], test: FrozenFeatures, classCount: Int, ignore: UInt16,
        size: (height: Int, width: Int)
    ) -> [LabelImage] {
        let width = train.patches.shape[2]
        let (x, scale) = Self.standardised(train.patches.reshaped([-1, width]))
        let rows = x.shape[0]
        let targets = labels.flatMap { Self.majority($0, grid: train.grid, ignore: ignore) }
        var stream = RandomStream(seed: seed, purpose: "patch probe")
        let classifier = Linear(width, classCount, initialization: .normal(0.01), &stream)
        let optimizer = AdamW(ParameterGroup.decayed(classifier.stateEntries(), weightDecay: weightDecay))
        let perEpoch = max(1, rows / batchSize)
        let schedule = Schedule(.cosine, base: learningRate, totalSteps: epochs * perEpoch)
        for step in 0..<epochs * perEpoch {
            var order = RandomStream(seed: seed, purpose: "patch probe batch", UInt64(step))
            let picked = (0..<min(batchSize, rows)).map { _ in Int32(order.int(below: rows)) }
            let tape = Tape()
            let forward = Forward(mode: .training, seed: UInt64(step), tape: tape)
            optimizer.zeroGradients()
            let logits = classifier(Variable(x).gatheringRows(picked), forward)
            tape.backward(logits.crossEntropy(labels: picked.map { targets[Int($0)] }))
            optimizer.step(learningRate: schedule(step))
        }
        let count = test.patches.shape[0]
        return (0..<count).map { n in
            let tokens = scale.apply(test.patches.rows(n..<n + 1).reshaped([-1, width]))
            let logits = classifier(Variable(tokens), .evaluation)
                .reshaped([1, test.grid.height, test.grid.width, classCount])
                .resizedBilinear(to: size).value
            return Self.argMax(logits, height: size.height, width: size.width, classCount: classCount)
        }
    }

    struct Standardisation {
        let mean: Variable
        let inverse: Variable

        func apply(_ x: Tensor) -> Tensor {
            let centred = Variable(x).addingRows(mean).value
            let y = Tensor(uninitialized: x.shape)
            let (columns, factors) = (x.shape[1], inverse.value.f32())
            for row in 0..<x.shape[0] {
                for c in 0..<columns { y.f32()[row * columns + c] = centred.f32()[row * columns + c] * factors[c] }
            }
            return y
        }
    }

    static func standardised(_ x: Tensor) -> (Tensor, Standardisation) {
        let (rows, columns) = (x.shape[0], x.shape[1])
        var mean = [Double](repeating: 0, count: columns)
        var square = mean
        for row in 0..<rows {
            for c in 0..<columns { mean[c] += Double(x.f32()[row * columns + c]) }
        }
        mean = mean.map { $0 / Double(rows) }
        for row in 0..<rows {
            for c in 0..<columns {
                let d = Double(x.f32()[row * columns + c]) - mean[c]
                square[c] += d * d
            }
        }
        let inverse = square.map { Float(1 / max(($0 / Double(rows)).squareRoot(), 1e-6)) }
        let scale = Standardisation(
            mean: Variable(Tensor(mean.map { Float(-$0) }, [columns])), inverse: Variable(Tensor(inverse, [columns])))
        return (scale.apply(x), scale)
    }

    /// The most common label of each cell of a grid over the map; ties go to the lower label, all-ignored cells to -1.
    static func majority(_ map: LabelImage, grid: (height: Int, width: Int), ignore: UInt16) -> [Int32] {
        var result: [Int32] = []
        for gy in 0..<grid.height {
            for gx in 0..<grid.width {
                var counts: [UInt16: Int] = [:]
                for y in gy * map.height / grid.height..<(gy + 1) * map.height / grid.height {
                    for x in gx * map.width / grid.width..<(gx + 1) * map.width / grid.width {
                        let label = map.values[y * map.width + x]
                        if label != ignore { counts[label, default: 0] += 1 }
                    }
                }
                let best = counts.max { ($0.value, $1.key) < ($1.value, $0.key) }
                result.append(best.map { Int32($0.key) } ?? -1)
            }
        }
        return result
    }

    /// The class of the largest logit; the lower class among equals.
    static func argMax(_ logits: Tensor, height: Int, width: Int, classCount: Int) -> LabelImage {
        let scores = logits.f32()
        let values = (0..<height * width).map { pixel in
            var best = 0
            for k in 1..<max(classCount, 1) where scores[pixel * classCount + k] > scores[pixel * classCount + best] {
                best = k
            }
            return UInt16(best)
        }
        return LabelImage(height: height, width: width, values: values)
    }
}
