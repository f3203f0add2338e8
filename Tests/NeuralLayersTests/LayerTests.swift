import Autograd
import Determinism
import Foundation
import NeuralLayers
import TensorCore
import TestSupport
import Testing

@Suite struct LayerTests {
    /// y = x Wᵀ + b against sums written out, on any leading axes.
    @Test func linearIsTheSumOfProducts() {
        var stream = RandomStream(seed: 1, purpose: "layer test")
        let layer = Linear(3, 2, &stream)
        layer.bias!.value.assign(Tensor([0.5, -1] as [Float], [2]))
        var maker = TensorMaker("linear layer")
        let x = maker.normal(2, 4, 3)
        let y = layer(Variable(x.converted(to: .f32)), .evaluation)
        #expect(y.shape == [2, 4, 2])
        let (w, b, values) = (layer.weight.value.doubles(), [0.5, -1], x.doubles())
        var expected: [Double] = []
        for row in 0..<8 {
            for out in 0..<2 {
                var sum = b[out]
                for input in 0..<3 { sum += values[row * 3 + input] * w[out * 3 + input] }
                expected.append(sum)
            }
        }
        let comparison = Comparison(y.value.doubles(), expected, tolerance: 1e-6)
        #expect(comparison.isWithinBounds, "\(comparison)")
    }

    @Test func layerNormCentresEachRow() {
        let layer = LayerNorm(4, epsilon: 0.25)
        layer.weight.value.assign(Tensor([1, 2, 3, 4] as [Float], [4]))
        layer.bias.value.assign(Tensor([0, 0, 1, -1] as [Float], [4]))
        let y = layer(Variable(Tensor([1, 3, 1, 3, 10, 10, 10, 10] as [Float], [2, 4])), .evaluation)
        // Row 1: mean 2, variance 1, so x̂ = ±1/√1.25; row 2 is constant.
        let unit = 1 / 1.25.squareRoot()
        let expected = [-unit, 2 * unit, 1 - 3 * unit, 4 * unit - 1, 0, 0, 1, -1]
        let comparison = Comparison(y.value.doubles(), expected, tolerance: 1e-6)
        #expect(comparison.isWithinBounds, "\(comparison)")
    }

    /// Central differences over every parameter and the input of a whole block.
    @Test func gradientsOfABlock() {
        var stream = RandomStream(seed: 3, purpose: "block gradients")
        let block = TransformerBlock(width: 6, heads: 2, mlpRatio: 2, &stream)
        block.convertParametersToDouble()
        for parameter in block.parameters where parameter.shape.count == 1 {
            for i in 0..<parameter.value.count { parameter.value.f64()[i] += 0.3 * stream.normal() }
        }
        var maker = TensorMaker("block input")
        let x = maker.normal(2, 3, 6)
        let projection = maker.normal(2, 3, 6)
        func loss(_ tape: Tape?) -> Variable {
            block(Variable(x), Forward(mode: .training, tape: tape)).multiplied(by: Variable(projection)).sum()
        }
        let tape = Tape()
        tape.backward(loss(tape))
        for (entry, parameter) in zip(block.stateEntries(), block.parameters) {
            let gradient = parameter.gradient!.doubles()
            let scale = gradient.reduce(1e-3) { max($0, abs($1)) }
            for i in 0..<parameter.value.count {
                let (old, step) = (parameter.value.f64()[i], 6e-6)
                parameter.value.f64()[i] = old + step
                let above = loss(nil).item()
                parameter.value.f64()[i] = old - step
                let below = loss(nil).item()
                parameter.value.f64()[i] = old
                let numeric = (above - below) / (2 * step)
                #expect(abs(numeric - gradient[i]) < 1e-6 * scale, "\(entry.name)[\(i)]: \(gradient[i]), \(numeric)")
            }
        }
        let report = GradientCheck([x]) { block($0[0], .evaluation) }.everyValue()
        #expect(report.worst < Tolerance.gradientCheck, "\(report)")
    }

    /// Over many pictures the mean of dropped and rescaled branches is the branch, and no other value occurs.
    @Test func dropPathKeepsTheExpectation() {
        var stream = RandomStream(seed: 5, purpose: "drop path test")
        let block = TransformerBlock(width: 4, heads: 1, dropPath: 0.4, index: 2, &stream)
        // Only the first branch is left: attention over one token, whose output is a linear function of the token.
        for i in 0..<block.mlp!.fc2.weight.value.count { block.mlp!.fc2.weight.value.f32()[i] = 0 }
        let picture: [Float] = [1, -2, 0.5, 3]
        let count = 4000
        let x = Variable(Tensor((0..<count).flatMap { _ in picture }, [count, 1, 4]))
        let whole = block(Variable(Tensor(picture, [1, 1, 4])), .evaluation).value.doubles()
        let branch = zip(whole, picture).map { $0 - Double($1) }
        let y = block(x, Forward(mode: .training, seed: 11)).value.doubles()
        var kept = 0
        for n in 0..<count {
            let part = (0..<4).map { y[4 * n + $0] - Double(picture[$0]) }
            let isKept = part.contains { $0 != 0 }
            kept += isKept ? 1 : 0
            for c in 0..<4 { #expect(abs(part[c] - (isKept ? branch[c] / 0.6 : 0)) < 1e-5) }
        }
        // Five standard deviations of a binomial of 4000 draws at 0.6.
        #expect(abs(Double(kept) / Double(count) - 0.6) < 5 * (0.6 * 0.4 / Double(count)).squareRoot(), "\(kept)")
        let again = block(x, Forward(mode: .training, seed: 11)).value.doubles()
        let other = block(x, Forward(mode: .training, seed: 12)).value.doubles()
        #expect(again == y && other != y)
    }

    @Test func dropPathIsOffInEvaluation() {
        var one = RandomStream(seed: 5, purpose: "drop path test")
        var two = one
        let dropping = TransformerBlock(width: 4, heads: 1, dropPath: 0.9, &one)
        let plain = TransformerBlock(width: 4, heads: 1, &two)
        var maker = TensorMaker("drop path off")
        let x = Variable(maker.normal(3, 2, 4).converted(to: .f32))
        #expect(dropping(x, .evaluation).value.floats() == plain(x, .evaluation).value.floats())
    }
}
