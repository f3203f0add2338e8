import Autograd
import Determinism
import TensorCore
import Testing

/// What a tape keeps between forward and backward. The allocator counts for the whole process, so each test has its own.
@Suite struct KeptMemoryTests {
    private final class Owner {}

    /// The most that forward and backward hold beyond the leaf and its gradient, in sizes of the leaf.
    private static func peak(_ leaf: Tensor, _ body: (Variable) -> Variable) -> Double {
        // The room that tasks work in is that of one.
        Parallel.setThreadCount(1)
        let gradient = Tensor.zeros(leaf.shape)
        let peak = Allocator.peakBytes {
            let tape = Tape()
            tape.backward(body(tape.leaf(leaf, gradient: gradient, owner: Owner())).sum())
        }
        return Double(peak) / Double(leaf.byteCount)
    }

    private static func map() -> Tensor { Tensor.full([4, 64, 64, 32], 0.5) }

    /// Of logits and labels 64 times as many pixels, only lines and the pixels' losses.
    @Test func resizedLogitsAreNeverWhole() async {
        await #expect(processExitsWith: .success) {
            let logits = Tensor.full([2, 64, 64, 150], 0.5)
            let labels = [Int32](repeating: 3, count: 2 * 512 * 512)
            let peak = KeptMemoryTests.peak(logits) { $0.resizedCrossEntropy(to: (512, 512), labels: labels) }
            #expect(peak < 2, "\(peak) times the logits")
        }
    }

    /// One map a layer: what is normed, not the result, which the next convolution reads.
    @Test func layerNormedMapsAreMadeAgain() async {
        await #expect(processExitsWith: .success) {
            KeptMemoryTests.checkNormedConvolutions { $0.layerNorm($1, $2, relu: true) }
        }
    }

    @Test func batchNormedMapsAreMadeAgain() async {
        await #expect(processExitsWith: .success) {
            KeptMemoryTests.checkNormedConvolutions {
                $0.batchNorm($1, $2, running: BatchNormStatistics(channels: 32), training: true, relu: true)
            }
        }
    }

    private static func checkNormedConvolutions(_ norm: (Variable, Variable, Variable) -> Variable) {
        let weight = Variable(Tensor.full([32, 32, 3, 3], 0.01))
        let (gamma, beta) = (Variable(Tensor.full([32], 1)), Variable(Tensor.full([32], 0)))
        func highest(_ layers: Int) -> Double {
            peak(map()) { (0..<layers).reduce($0) { x, _ in norm(x.conv2d(weight, padding: 1), gamma, beta) } }
        }
        let each = (highest(8) - highest(4)) / 4
        #expect(each < 1.1, "\(each) maps a layer")
    }

    /// One map a layer: the result, from whose sign the slope follows.
    @Test func aReLUKeepsItsResult() async {
        await #expect(processExitsWith: .success) {
            let weight = Variable(Tensor.full([32, 32], 0.01))
            func highest(_ layers: Int) -> Double {
                KeptMemoryTests.peak(KeptMemoryTests.map()) {
                    (0..<layers).reduce($0) { x, _ in x.linear(weight, activation: .relu) }
                }
            }
            let each = (highest(8) - highest(4)) / 4
            #expect(each < 1.1, "\(each) maps a layer")
        }
    }

    /// Dropout of channels keeps one factor a picture and channel.
    @Test func channelDropoutKeepsFactors() async {
        await #expect(processExitsWith: .success) {
            let stream = RandomStream(seed: 1, purpose: "channels")
            let peak = KeptMemoryTests.peak(KeptMemoryTests.map()) {
                $0.dropout(0.5, stream: stream, channelwise: true)
            }
            #expect(peak < 3.1, "\(peak) maps")
        }
    }
}
