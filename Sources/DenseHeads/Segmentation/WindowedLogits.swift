import Autograd
import Geometry
import TensorCore

/// The logits of a picture that is seen window by window: the mean over the windows of each pixel.
///
/// - Source: mmsegmentation `encoder_decoder.py`, `slide_inference`: logits are resized to the window, added, and divided
///   by the number of windows.
public struct WindowedLogits {
    private let size: ImageSize
    private let classCount: Int
    /// `(1, H, W, K)`.
    private let sums: Tensor
    private var counts: [Float]

    public init(size: ImageSize, classCount: Int) {
        self.size = size
        self.classCount = classCount
        sums = Tensor.zeros([1, size.height, size.width, classCount])
        counts = [Float](repeating: 0, count: size.pixelCount)
    }

    /// Adds one window.
    ///
    /// - Parameters:
    ///   - logits: `(1, H', W', K)` over the whole network input.
    ///   - input: the network's input, padding included.
    ///   - content: the part of it that is the window, top left.
    public mutating func add(_ logits: Variable, input: ImageSize, content: ImageSize, top: Int, left: Int) {
        precondition(
            top >= 0 && left >= 0 && top + content.height <= size.height && left + content.width <= size.width,
            "window \(content) at (\(top), \(left)) of a picture of \(size)")
        let values = logits.detached().resizedBilinear(to: (input.height, input.width)).value
        let (source, target) = (values.f32(), sums.f32())
        for y in 0..<content.height {
            let from = source + y * input.width * classCount
            let first = (top + y) * size.width + left
            let to = target + first * classCount
            for n in 0..<content.width * classCount { to[n] += from[n] }
            for x in 0..<content.width { counts[first + x] += 1 }
        }
        keepAlive(values.storage)
    }

    /// The means at `output`'s size, `(1, H, W, K)`; or, with `softmaxFirst`, their probabilities, which are resized.
    public func values(output: ImageSize, softmaxFirst: Bool = false) -> Variable {
        let means = Tensor(uninitialized: sums.shape)
        let (sum, mean) = (sums.f32(), means.f32())
        for pixel in 0..<size.pixelCount {
            for k in 0..<classCount { mean[pixel * classCount + k] = sum[pixel * classCount + k] / counts[pixel] }
        }
        let values = softmaxFirst ? Variable(means).softmax() : Variable(means)
        return values.resizedBilinear(to: (output.height, output.width))
    }
}
