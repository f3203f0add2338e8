import Autograd
import Determinism
import NeuralLayers
import TensorCore
import Testing

@testable import SelfSupervision

@Suite struct MaskedAutoencoderTests {
    private func model() -> MaskedAutoencoder<TinyEncoder> {
        var stream = RandomStream(seed: 2, purpose: "positions")
        let positions = Initialization.normal(0.3).draw([1, 17, 12], fanIn: 1, fanOut: 1, &stream)
        return MaskedAutoencoder(
            encoder: TinyEncoder(), positions: positions, decoderWidth: 12, decoderDepth: 1, decoderHeads: 3, seed: 0)
    }

    @Test func targetsAreEachPatchInUnitsOfItsOwnDeviation() {
        let images = waves(2)
        let found = MaskedAutoencoder<TinyEncoder>.normalizedPixels(Variable(images), patchSize: 2).value.floats()
        let pixels = images.floats()
        for (n, py, px) in [(0, 0, 0), (1, 3, 2)] {
            var patch: [Double] = []
            for y in 0..<2 {
                for x in 0..<2 {
                    for c in 0..<3 { patch.append(Double(pixels[((n * 8 + py * 2 + y) * 8 + px * 2 + x) * 3 + c])) }
                }
            }
            let mean = patch.reduce(0, +) / 12
            let variance = patch.map { ($0 - mean) * ($0 - mean) }.reduce(0, +) / 11
            let row = (n * 16 + py * 4 + px) * 12
            for i in 0..<12 {
                #expect(abs(Double(found[row + i]) - (patch[i] - mean) / variance.squareRoot()) < 1e-3)
            }
        }
    }

    @Test func gradientsAgreeWithDifferences() {
        let model = model()
        model.convertParametersToDouble()
        let images = Variable(waves(3, dtype: .f64))
        checkGradients(model, "MAE") { LossTerm.total(model.loss(images: images, $0)) }
    }

    @Test func onlyAQuarterOfThePatchesReachesTheEncoder() {
        // Gradients with respect to the picture flow through visible patches alone: targets are constants.
        let model = model()
        let tape = Tape()
        let gradient = Tensor.zeros([2, 8, 8, 3])
        let owner = Parameter(.zeros([1]))
        let images = tape.leaf(waves(2), gradient: gradient, owner: owner)
        tape.backward(LossTerm.total(model.loss(images: images, Forward(mode: .training, seed: 4, tape: tape))))
        let values = gradient.floats()
        var touched = [Int](repeating: 0, count: 2)
        for n in 0..<2 {
            for patch in 0..<16 {
                let (py, px) = (patch / 4, patch % 4)
                let sum = (0..<4).reduce(Float(0)) { total, at in
                    let start = ((n * 8 + py * 2 + at / 2) * 8 + px * 2 + at % 2) * 3
                    return total + abs(values[start]) + abs(values[start + 1]) + abs(values[start + 2])
                }
                if sum > 0 { touched[n] += 1 }
            }
        }
        #expect(touched == [4, 4])
    }

    @Test func learnsAFewPicturesByHeart() {
        let model = model()
        let images = Variable(waves(4))
        let (first, last) = overfit(model, steps: 150, rate: 3e-3) { LossTerm.total(model.loss(images: images, $0)) }
        #expect(last < 0.6 * first, "\(first) to \(last)")
    }
}
