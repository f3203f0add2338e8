import Autograd
import TensorCore
import TestSupport
import Testing

private final class Owner {}

@Suite struct TapeTests {
    private func leaf(_ tape: Tape, _ values: [Double], _ gradient: Tensor, _ owner: AnyObject) -> Variable {
        tape.leaf(Tensor(values, [values.count]), gradient: gradient, owner: owner)
    }

    @Test func gradientsAddUpOverStepsAndUses() {
        let gradient = Tensor.zeros([2], .f64)
        let owner = Owner()
        let tape = Tape()
        for _ in 0..<2 {
            let x = leaf(tape, [3, -5], gradient, owner)
            let again = leaf(tape, [3, -5], gradient, owner)
            tape.backward((x.multiplied(by: again) + x).sum(), scale: 0.5)
        }
        // Two steps of (2x + 1) / 2.
        #expect(gradient.doubles() == [7, -9])
    }

    /// The first gradient of a node may be shared with others: adding to it must not change them.
    @Test func sharedGradientsAreNotAddedToInPlace() {
        let (ga, gb) = (Tensor.zeros([2], .f64), Tensor.zeros([2], .f64))
        let (oa, ob) = (Owner(), Owner())
        let tape = Tape()
        let (a, b) = (leaf(tape, [1, 2], ga, oa), leaf(tape, [3, 4], gb, ob))
        let both = a + b
        tape.backward((both + both.scaled(by: 10) + a.reshaped([2])).sum())
        #expect(ga.doubles() == [12, 12] && gb.doubles() == [11, 11])
    }

    @Test func backwardEmptiesTheTape() {
        let tape = Tape()
        let (gradient, owner) = (Tensor.zeros([2], .f64), Owner())
        let loss = leaf(tape, [1, 2], gradient, owner).sum()
        #expect(tape.count == 2)
        tape.backward(loss)
        #expect(tape.count == 0)
    }

    @Test func constantsRecordNothing() {
        let tape = Tape()
        let (gradient, owner) = (Tensor.zeros([2], .f64), Owner())
        let x = leaf(tape, [1, 2], gradient, owner)
        let constant = Variable(Tensor([3.0, 4.0], [2]))
        #expect(!(constant + constant.scaled(by: 2)).isTracked)
        #expect(!(x.detached() + constant).isTracked)
        #expect((x + constant).isTracked && tape.count == 2)
        tape.backward(constant.sum())
        #expect(gradient.doubles() == [0, 0] && tape.count == 0)
    }

    /// A backward that captured a variable would hold the tape that holds it.
    @Test(arguments: OpTable.all) func noOperationKeepsItsTapeAlive(op: OpCase) {
        weak var abandoned: Tape?
        weak var finished: Tape?
        var maker = TensorMaker(op.name)
        let inputs = op.inputs(&maker)
        let gradients = inputs.map { Tensor.zeros($0.shape, .f64) }
        let owners = inputs.map { _ in Owner() }
        func forward(_ tape: Tape) -> Variable {
            op.apply(inputs.indices.map { tape.leaf(inputs[$0], gradient: gradients[$0], owner: owners[$0]) })
        }
        do {
            let tape = Tape()
            abandoned = tape
            _ = forward(tape)
        }
        do {
            let tape = Tape()
            finished = tape
            tape.backward(forward(tape).sum())
        }
        #expect(abandoned == nil && finished == nil)
    }

    @Test func aTrackedBetaBesideAConstantGammaGetsItsGradient() {
        var maker = TensorMaker("beta")
        let (x, gamma) = (Variable(maker.normal(3, 5)), Variable(maker.normal(5)))
        let beta = maker.normal(5)
        let layer = GradientCheck([beta]) { x.layerNorm(gamma, $0[0]) }.everyValue()
        #expect(layer.worst < Tolerance.gradientCheck, "\(layer)")
        let batch = GradientCheck([beta]) {
            x.batchNorm(nil, $0[0], running: BatchNormStatistics(channels: 5, dtype: .f64), training: true)
        }.everyValue()
        #expect(batch.worst < Tolerance.gradientCheck, "\(batch)")
    }

    @Test func tracksOnlyWhatNeedsAGradient() {
        var maker = TensorMaker("partial")
        let (x, w, b) = (maker.normal(3, 5), maker.normal(4, 5), maker.normal(4))
        let residual = Variable(maker.normal(3, 4))
        for slot in 0..<3 {
            let all = [x, w, b]
            let report = GradientCheck([all[slot]]) { tracked in
                let v = all.indices.map { $0 == slot ? tracked[0] : Variable(all[$0]) }
                return v[0].linear(v[1], v[2], activation: .gelu, residual: residual)
            }.everyValue()
            #expect(report.worst < Tolerance.gradientCheck, "\(report)")
        }
    }
}
