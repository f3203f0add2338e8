import Autograd
import Determinism
import Geometry
import TensorCore
import TestSupport
import Testing

@testable import DenseHeads

@Suite struct WindowedLogitsTests {
    /// Windows at the picture's own scale: each pixel is the mean of the windows that show it.
    @Test func overlappingWindowsAreAveraged() {
        let size = ImageSize(height: 7, width: 9)
        let classCount = 3
        let (content, input) = (ImageSize(height: 4, width: 5), ImageSize(height: 4, width: 8))
        var sums = WindowedLogits(size: size, classCount: classCount)
        var expected = [Double](repeating: 0, count: size.pixelCount * classCount)
        var counts = [Double](repeating: 0, count: size.pixelCount)
        for (key, (top, left)) in [(0, 0), (0, 4), (3, 0), (3, 4), (2, 2)].enumerated() {
            var stream = RandomStream(seed: 4, purpose: "windows", UInt64(key))
            let values = (0..<input.pixelCount * classCount).map { _ in Float(stream.uniform(-1...1)) }
            let logits = Tensor(values, [1, input.height, input.width, classCount])
            sums.add(Variable(logits), input: input, content: content, top: top, left: left)
            for y in 0..<content.height {
                for x in 0..<content.width {
                    let pixel = (top + y) * size.width + left + x
                    counts[pixel] += 1
                    for k in 0..<classCount {
                        expected[pixel * classCount + k] += Double(values[(y * input.width + x) * classCount + k])
                    }
                }
            }
        }
        let labels = SemanticLabels(largestOf: sums.values(output: size))
        for pixel in 0..<size.pixelCount {
            let means = (0..<classCount).map { expected[pixel * classCount + $0] / counts[pixel] }
            #expect(labels.labels[pixel] == Int32(means.firstIndex(of: means.max()!)!))
        }
    }
}
