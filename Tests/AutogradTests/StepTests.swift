import Autograd
import Determinism
import TensorCore
import TestSupport
import Testing

/// Claims about process-wide state (thread count, the allocator's counters): each runs in a process of its own, where
/// no other test changes that state.
@Suite(.serialized) struct StepTests {
    @Test func theSameBytesAtAnyThreadCount() async {
        await #expect(processExitsWith: .success) {
            var seen: [(loss: Double, bytes: [UInt8])] = []
            for threads in [1, 2, 4] {
                Parallel.setThreadCount(threads)
                let network = NetworkStep()
                _ = network.run()
                seen.append((network.run(), network.bytes()))
            }
            #expect(seen[0].bytes.contains { $0 != 0 } && seen[0].loss.isFinite)
            for other in seen.dropFirst() { #expect(other.loss == seen[0].loss && other.bytes == seen[0].bytes) }
        }
    }

    @Test func aStepLeavesNoBlockBehind() async {
        await #expect(processExitsWith: .success) {
            let network = NetworkStep()
            _ = network.run()
            let (blocks, bytes) = (Allocator.liveBlocks, Allocator.liveBytes)
            let highWater = Allocator.highWaterBytes
            Parallel.setThreadCount(1)
            for _ in 0..<3 {
                _ = network.run()
                #expect(Allocator.liveBlocks == blocks && Allocator.liveBytes == bytes)
            }
            // Later steps find their blocks in the cache.
            #expect(Allocator.highWaterBytes == highWater)
        }
    }

    @Test func misuseEndsTheProcess() async {
        await #expect(processExitsWith: .failure) {
            _ = Variable(Tensor.zeros([2, 3])) + Variable(Tensor.zeros([3, 2]))
        }
        await #expect(processExitsWith: .failure) {
            _ = Variable(Tensor.zeros([2, 3])).linear(Variable(Tensor.zeros([4, 5])))
        }
        await #expect(processExitsWith: .failure) {
            _ = Variable(Tensor.zeros([2, 3])).scatteringRows([0, 9], into: Variable(Tensor.zeros([4, 3])))
        }
        await #expect(processExitsWith: .failure) { _ = Variable(Tensor.zeros([2, 3])).gatheringRows([2]) }
        await #expect(processExitsWith: .failure) { _ = Variable(Tensor.zeros([2, 3])).crossEntropy(labels: [0, 3]) }
    }
}
