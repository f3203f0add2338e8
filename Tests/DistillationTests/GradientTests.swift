import Autograd
import NeuralLayers
import TensorCore
import Testing

@testable import Distillation

struct GradientTests {
    @Test(arguments: [Fusion.single("moco"), .mean])
    func lossHasTheSlopeOfItsGradient(_ fusion: Fusion) {
        let scene = Scene(fusion)
        let tape = Tape()
        tape.backward(scene.loss(Forward(mode: .evaluation, tape: tape)).total)
        var checked = 0
        for parameter in scene.trainable {
            guard let gradient = parameter.gradient?.doubles() else { continue }
            for index in stride(from: 0, to: gradient.count, by: 3) {
                let numeric = slope(parameter, index) { scene.loss().total.item() }
                #expect(abs(numeric - gradient[index]) < 1e-7 + 1e-6 * abs(numeric))
                checked += 1
            }
        }
        #expect(checked > 40)
        #expect(scene.cls.gradient!.doubles().contains { abs($0) > 1e-3 })
        checkDirections(scene.trainable, "fusion \(fusion)") { scene.loss(Forward(mode: .evaluation, tape: $0)).total }
    }

    @Test(arguments: [Agreement.tokenSimilarity, .directCosine])
    func noGradientPassesTheGate(_ agreement: Agreement) {
        let widths = agreement == .directCosine ? [5, 5, 5] : [5, 7, 6]
        let scene = Scene(.consensus(temperature: 0.3, agreement: agreement), widths: widths)
        let tape = Tape()
        let (total, _, gates) = scene.loss(Forward(mode: .evaluation, tape: tape))
        tape.backward(total)
        #expect(abs(scene.loss(withGates: gates) - total.item()) < 1e-12)
        var largestGap = 0.0
        for parameter in scene.trainable {
            let gradient = parameter.gradient!.doubles()
            for index in stride(from: 0, to: gradient.count, by: 3) {
                let fixed = slope(parameter, index) { scene.loss(withGates: gates) }
                #expect(abs(fixed - gradient[index]) < 1e-7 + 1e-6 * abs(fixed))
                largestGap = max(largestGap, abs(slope(parameter, index) { scene.loss().total.item() } - fixed))
            }
        }
        // The gate does follow the student: the slope with a moving gate is another one.
        #expect(largestGap > 1e-3)
        checkDirections(scene.trainable, "fusion consensus, \(agreement), gates held") { tape in
            tape.map { scene.loss(Forward(mode: .evaluation, tape: $0)).total }
                ?? Variable(Tensor([scene.loss(withGates: gates)], []))
        }
    }

    @Test func lossIsItsFormula() {
        let (prediction, target) = (normals([4, 3], seed: 1), normals([4, 3], seed: 2))
        let weights = [0.5, 2, 0, 1.5]
        let loss = DistillationLoss(cosineWeight: 0.7, smoothL1Weight: 0.4, beta: 0.5)
        let (s, t) = (prediction.doubles(), target.doubles())
        var expected = 0.0
        for row in 0..<4 {
            var (dot, ss, tt, smooth) = (0.0, 0.0, 0.0, 0.0)
            for c in row * 3..<row * 3 + 3 {
                dot += s[c] * t[c]
                ss += s[c] * s[c]
                tt += t[c] * t[c]
                let d = abs(s[c] - t[c])
                smooth += d < 0.5 ? d * d / (2 * 0.5) : d - 0.25
            }
            expected += weights[row] * (0.7 * (1 - dot / (ss * tt).squareRoot()) + 0.4 * smooth / 3) / 4
        }
        let value = loss(Variable(prediction), target: target, rowWeights: Tensor(weights, [4])).item()
        #expect(abs(value - expected) < 1e-12)
        let ones = loss(Variable(prediction), target: target, rowWeights: Tensor([1.0, 1, 1, 1], [4])).item()
        #expect(abs(ones - loss(Variable(prediction), target: target).item()) < 1e-12)
    }
}
