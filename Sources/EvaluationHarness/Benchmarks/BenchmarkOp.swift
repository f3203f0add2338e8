import Autograd
import Determinism
import NeuralLayers
import TensorCore

/// An operation that can be timed alone.
public enum BenchmarkOp: String, Sendable, CaseIterable {
    case conv3x3
    case convTranspose = "conv_transpose"
    case roiAlign = "roi_align"
    case layerNorm = "layer_norm"
    case gelu, softmax, attention
    case batchNorm = "batch_norm"
    case resize, linear

    /// What the numbers of a shape stand for.
    public var axes: [String] {
        switch self {
        case .conv3x3, .convTranspose: ["N", "H", "W", "I", "O"]
        case .roiAlign: ["regions", "size", "H", "W", "C"]
        case .layerNorm, .gelu, .softmax: ["rows", "C"]
        case .attention: ["N", "T", "C"]
        case .batchNorm: ["N", "H", "W", "C"]
        case .resize: ["N", "H", "W", "C", "H'", "W'"]
        case .linear: ["rows", "I", "O"]
        }
    }

    public var defaultShape: [Int] {
        switch self {
        case .conv3x3: [1, 64, 64, 512, 512]
        case .convTranspose: [128, 14, 14, 256, 256]
        case .roiAlign: [512, 7, 64, 64, 256]
        case .layerNorm: [1576, 768]
        case .gelu: [1576, 3072]
        case .softmax: [18912, 197]
        case .attention: [8, 197, 768]
        case .batchNorm: [2, 128, 128, 512]
        case .resize: [2, 64, 64, 512, 128, 128]
        case .linear: [1576, 768, 3072]
        }
    }

    /// Channels of one head of attention.
    static let headWidth = 64
    /// Samples a bin and axis of RoIAlign.
    static let samples = 2

    func accepts(_ shape: [Int]) -> Bool { self != .attention || shape[2] % Self.headWidth == 0 }
    var restriction: String { "a width that is a multiple of \(Self.headWidth)" }

    /// Whether `bf16` means something.
    public var hasRoundedProducts: Bool { self == .conv3x3 || self == .convTranspose || self == .linear }

    /// The inputs of one call, and the call.
    struct Build {
        let inputs: [Tensor]
        let apply: ([Variable]) -> Variable
    }

    func build(_ s: [Int], bf16: Bool, _ stream: inout RandomStream) -> Build {
        func normal(_ shape: [Int]) -> Tensor { Initialization.normal(1).draw(shape, fanIn: 1, fanOut: 1, &stream) }
        switch self {
        case .conv3x3:
            return Build(inputs: [normal(Array(s[..<4])), normal([s[4], s[3], 3, 3])]) {
                $0[0].conv2d($0[1], padding: 1, bf16: bf16)
            }
        case .convTranspose:
            return Build(inputs: [normal(Array(s[..<4])), normal([s[3], s[4], 2, 2]), normal([s[4]])]) {
                $0[0].convTranspose2x2($0[1], $0[2], bf16: bf16)
            }
        case .roiAlign:
            let rois = Self.regions(s[0], height: s[2], width: s[3], &stream)
            return Build(inputs: [normal([1, s[2], s[3], s[4]])]) {
                .roiAlign(levels: [$0[0]], rois: rois, size: s[1], samplingRatio: Self.samples, strides: [1])
            }
        case .layerNorm:
            return Build(inputs: [normal(s), normal([s[1]]), normal([s[1]])]) { $0[0].layerNorm($0[1], $0[2]) }
        case .gelu: return Build(inputs: [normal(s)]) { $0[0].gelu() }
        case .softmax: return Build(inputs: [normal(s)]) { $0[0].softmax() }
        case .attention:
            return Build(inputs: [normal([s[0], s[1], 3 * s[2]])]) { $0[0].attention(heads: s[2] / Self.headWidth) }
        case .batchNorm:
            let running = BatchNormStatistics(channels: s[3])
            return Build(inputs: [normal(s), normal([s[3]]), normal([s[3]])]) {
                $0[0].batchNorm($0[1], $0[2], running: running, training: true)
            }
        case .resize: return Build(inputs: [normal(Array(s[..<4]))]) { $0[0].resizedBilinear(to: (s[4], s[5])) }
        case .linear:
            return Build(inputs: [normal([s[0], s[1]]), normal([s[2], s[1]]), normal([s[2]])]) {
                $0[0].linear($0[1], $0[2], bf16: bf16)
            }
        }
    }

    /// Boxes of a quarter to three quarters of the map, anywhere on it.
    private static func regions(_ count: Int, height: Int, width: Int, _ stream: inout RandomStream) -> [ROI] {
        (0..<count).map { _ in
            let (h, w) = (Double(height) * stream.uniform(0.05...0.5), Double(width) * stream.uniform(0.05...0.5))
            let (y, x) = (stream.uniform(0...Double(height) - h), stream.uniform(0...Double(width) - w))
            return ROI(image: 0, level: 0, box: (x, y, x + w, y + h))
        }
    }

    /// Floating-point operations of a forward pass, two a multiply-add; nil where the op is bound by memory.
    func flops(_ shape: [Int]) -> Double? {
        let s = shape.map(Double.init)
        switch self {
        case .conv3x3: return 18 * s[0] * s[1] * s[2] * s[3] * s[4]
        case .convTranspose: return 8 * s[0] * s[1] * s[2] * s[3] * s[4]
        case .linear: return 2 * s[0] * s[1] * s[2]
        case .attention: return 4 * s[0] * s[1] * s[1] * s[2]
        case .roiAlign, .layerNorm, .gelu, .softmax, .batchNorm, .resize: return nil
        }
    }

    /// How often the backward pass repeats the forward's operations.
    var backwardFactor: Double { self == .attention ? 2.5 : 2 }

    /// Bytes that must move, each input and output once.
    func bytes(_ shape: [Int], _ pass: OpBenchmark.Pass) -> Double {
        let s = shape.map(Double.init)
        let (input, output): (Double, Double)
        switch self {
        case .layerNorm, .gelu, .softmax, .batchNorm: (input, output) = (s.reduce(1, *), s.reduce(1, *))
        case .resize: (input, output) = (s[0] * s[1] * s[2] * s[3], s[0] * s[4] * s[5] * s[3])
        case .roiAlign: (input, output) = (s[2] * s[3] * s[4], s[0] * s[1] * s[1] * s[4])
        case .conv3x3, .convTranspose:
            let grown = self == .convTranspose ? 4.0 : 1
            (input, output) = (s[0] * s[1] * s[2] * s[3], grown * s[0] * s[1] * s[2] * s[4])
        case .attention: (input, output) = (3 * s[0] * s[1] * s[2], s[0] * s[1] * s[2])
        case .linear: (input, output) = (s[0] * s[1], s[0] * s[2])
        }
        // Backward reads the gradient of the output and writes that of the input; all but linear maps read the input too.
        let isLinearMap = self == .resize || self == .roiAlign
        let forward = input + output
        let backward = input + output + (isLinearMap ? 0 : input)
        return 4 * (pass == .forward ? forward : pass == .backward ? backward : forward + backward)
    }
}
