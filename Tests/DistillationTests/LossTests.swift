import Autograd
import Foundation
import TensorCore
import TestSupport
import Testing

@testable import Distillation

struct LossTests {
    private static let all = DistillationLoss(
        cosineWeight: 0.7, smoothL1Weight: 0.4, beta: 0.5, mseWeight: 0.3, klWeight: 0.6, klTemperature: 2)
    private static let each = [
        DistillationLoss(cosineWeight: 1, smoothL1Weight: 0), DistillationLoss(cosineWeight: 0, smoothL1Weight: 1),
        DistillationLoss(cosineWeight: 0, smoothL1Weight: 1, beta: 0),
        DistillationLoss(cosineWeight: 0, smoothL1Weight: 0, mseWeight: 2),
        DistillationLoss(cosineWeight: 0, smoothL1Weight: 0, klWeight: 1, klTemperature: 0.5), all,
    ]
    private let weights = [0.5, 2, 0, 1.5, 1, 0.25]

    private func softmax(_ x: [Double], _ temperature: Double) -> [Double] {
        let powers = x.map { exp($0 / temperature) }
        let sum = powers.reduce(0, +)
        return powers.map { $0 / sum }
    }

    @Test func newTermsAreTheirFormulas() {
        let (s, t) = (normals([6, 5], seed: 1), normals([6, 5], seed: 2))
        let mse = DistillationLoss(cosineWeight: 0, smoothL1Weight: 0, mseWeight: 1).tokenLosses(s, target: t)
        let kl = DistillationLoss(cosineWeight: 0, smoothL1Weight: 0, klWeight: 1, klTemperature: 2)
            .tokenLosses(s, target: t)
        #expect(mse.shape == [6, 1] && kl.shape == [6, 1])
        for row in 0..<6 {
            let (a, b) = (Array(s.doubles()[row * 5..<row * 5 + 5]), Array(t.doubles()[row * 5..<row * 5 + 5]))
            let square = zip(a, b).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) } / 5
            #expect(abs(mse.doubles()[row] - square) < 1e-13)
            let divergence = zip(softmax(b, 2), softmax(a, 2)).reduce(0) { $0 + $1.0 * log($1.0 / $1.1) }
            #expect(abs(kl.doubles()[row] - 4 * divergence) < 1e-13)
        }
    }

    @Test(arguments: each) func tokenLossesAreWhatTheValueAverages(_ loss: DistillationLoss) {
        for dtype in [DType.f64, .f32] {
            let (s, t) = (
                normals([2, 3, 5], seed: 3).converted(to: dtype), normals([2, 3, 5], seed: 4).converted(to: dtype)
            )
            let losses = loss.tokenLosses(s, target: t)
            #expect(losses.shape == [6, 1] && losses.dtype == dtype)
            let weighted = zip(losses.doubles(), weights).reduce(0) { $0 + $1.0 * $1.1 } / 6
            let value = loss(Variable(s), target: t, rowWeights: Tensor(weights, [6])).item()
            let bound = dtype == .f64 ? 1e-13 : 1e-6
            #expect(abs(weighted - value) < bound)
            #expect(abs(losses.doubles().reduce(0, +) / 6 - loss(Variable(s), target: t).item()) < bound)
        }
    }

    @Test(arguments: each) func gradientsMatchDifferences(_ loss: DistillationLoss) {
        let (s, t) = (normals([6, 5], seed: 5), normals([6, 5], seed: 6))
        let report = GradientCheck([s]) { loss($0[0], target: t, rowWeights: Tensor(weights, [6, 1])) }.everyValue()
        #expect(report.worst < Tolerance.gradientCheck, "\(report)")
    }

    @Test func nothingIsLeftAtTheTarget() {
        let t = normals([4, 5], seed: 7)
        #expect(Self.all.tokenLosses(t, target: t).doubles().allSatisfy { abs($0) < 1e-15 })
    }

    @Test func defaultsAreCosineAndSmoothL1() {
        let loss = DistillationLoss()
        #expect(loss.mseWeight == 0 && loss.klWeight == 0 && loss.cosineWeight == 0.9 && loss.smoothL1Weight == 0.1)
    }
}
