import Autograd
import Determinism
import NeuralLayers
import TensorCore
import TestSupport
import Testing
import VisionBackbones

/// What a step and a frozen network keep in memory never changes their bytes.
@Suite struct StepMemoryTests {
    private static let small = ViTConfiguration(
        imageSize: 16, patchSize: 4, width: 32, depth: 3, headCount: 2, dropPath: 0.3)

    private static func pictures() -> Tensor {
        var maker = TensorMaker("pictures of a step")
        return maker.normal(3, 16, 16, 3).converted(to: .f32)
    }

    private static func gradients(checkpointed: Int, bf16: Bool) -> (gradients: [[Double]], nodes: Int) {
        let model = VisionTransformer(small, seed: 4)
        let tape = Tape()
        let forward = Forward(mode: .training, seed: 11, tape: tape, bf16: bf16, checkpointedBlocks: checkpointed)
        let tokens = model.tokens(of: Variable(pictures()), forward)
        let loss = tokens.patches.multiplied(by: tokens.patches).sum()
        let nodes = tape.count
        tape.backward(loss)
        return (model.parameters.compactMap { $0.gradient?.doubles() }, nodes)
    }

    /// Drop path draws the same branches again.
    @Test(arguments: [false, true]) func checkpointedBlocksGiveTheSameGradients(bf16: Bool) {
        let plain = Self.gradients(checkpointed: 0, bf16: bf16)
        #expect(plain.gradients.count == VisionTransformer(Self.small, seed: 4).parameters.filter(\.isTrainable).count)
        for count in [1, 3, 9] {
            let other = Self.gradients(checkpointed: count, bf16: bf16)
            #expect(other.gradients == plain.gradients && other.nodes < plain.nodes, "\(count) blocks")
        }
    }

    @Test func roundedGradientsAreTheSameBytesAtAnyThreadCount() async {
        await #expect(processExitsWith: .success) {
            var seen: [[[Double]]] = []
            for threads in [1, 2, 4] {
                Parallel.setThreadCount(threads)
                seen.append(Self.gradients(checkpointed: 1, bf16: true).gradients)
            }
            #expect(seen[0] == seen[1] && seen[0] == seen[2])
        }
    }

    /// Weights that are kept as bfloat16 give the bytes that rounding them in each product gave.
    @Test func roundedWeightsGiveTheSameBytes() {
        let model = VisionTransformer(Self.small, seed: 4)
        func patches(bf16: Bool) -> [Double] {
            model.tokens(of: Variable(Self.pictures()), Forward(mode: .evaluation, bf16: bf16)).patches.value.doubles()
        }
        let (rounded, exact) = (patches(bf16: true), patches(bf16: false))
        model.freezeRounded()
        #expect(model.blocks[0].attention.qkv.weight.value.dtype == .bf16)
        #expect(model.blocks[0].norm1.weight.value.dtype == .f32 && model.parameterCount == 0)
        #expect(patches(bf16: true) == rounded && rounded != exact)
        // Products that do not round work on them too.
        let comparison = Comparison(patches(bf16: false), exact, tolerance: 0.05)
        #expect(comparison.isWithinBounds, "\(comparison)")
    }
}
