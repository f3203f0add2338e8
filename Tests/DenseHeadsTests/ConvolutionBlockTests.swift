import Autograd
import Determinism
import NeuralLayers
import TensorCore
import TestSupport
import Testing

@testable import DenseHeads

@Suite struct ConvolutionBlockTests {
    /// Without a tape the normalisation is folded into the weights: the same values up to the rounding of the products of
    /// weights and scales.
    @Test(arguments: [1, 3]) func evaluationFoldsTheNormalisation(kernel: Int) {
        var stream = RandomStream(seed: 4, purpose: "fold")
        var maker = TensorMaker("fold \(kernel)")
        let block = ConvBatchNormReLU(6, 5, kernel: kernel, &stream)
        block.norm.running.mean = maker.normal(5).converted(to: .f32)
        block.norm.running.variance = maker.uniform(5, in: 0.5...2).reshaped([5]).converted(to: .f32)
        block.norm.weight?.value.assign(maker.normal(5).converted(to: .f32))
        block.norm.bias?.value.assign(maker.normal(5).converted(to: .f32))
        let x = Variable(maker.normal(2, 4, 7, 6).converted(to: .f32))
        let folded = block(x, .evaluation).value.doubles()
        let apart = block(x, Forward(mode: .evaluation, tape: Tape())).value.doubles()
        let scale = apart.reduce(1) { max($0, abs($1)) }
        let difference = Comparison(folded, apart) { _ in 256 * Tolerance.roundingSingle * scale }
        #expect(difference.isWithinBounds, "\(difference)")
    }
}
