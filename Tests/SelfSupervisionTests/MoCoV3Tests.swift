import Autograd
import Foundation
import NeuralLayers
import TensorCore
import Testing

@testable import SelfSupervision

@Suite struct MoCoV3Tests {
    private func model(_ pooling: ContrastPooling = .classToken) -> MoCoV3<TinyEncoder> {
        let encoders = (0..<2).map { _ in
            ContrastiveEncoder(encoder: TinyEncoder(), hidden: 16, output: 6, pooling: pooling, seed: 1)
        }
        return MoCoV3(
            base: encoders[0], momentum: encoders[1], hidden: 16, output: 6, temperature: 0.2,
            frozenPatchProjection: encoders[0].encoder.projection.parameters, seed: 1)
    }

    @Test(arguments: ContrastPooling.allCases)
    func gradientsAgreeWithDifferences(pooling: ContrastPooling) {
        let model = model(pooling)
        convertToDouble(model)
        let views = (0..<2).map { ContrastiveView(waves(6, seed: UInt64($0 + 1), dtype: .f64)) }
        checkGradients(model, "MoCo v3, \(pooling)") { LossTerm.total(model.loss(views[0], views[1], $0)) }
    }

    @Test func theMomentumBranchFollowsAndIsNeverTrained() {
        let model = model()
        #expect(model.momentum.parameters.allSatisfy { !$0.isTrainable })
        #expect(model.base.encoder.projection.parameters.allSatisfy { !$0.isTrainable })
        let weight = model.base.encoder.block.mlp!.fc1.weight
        let follower = model.momentum.encoder.block.mlp!.fc1.weight
        #expect(weight.value.floats() == follower.value.floats())
        for i in 0..<weight.value.count { weight.value.f32()[i] += 1 }
        let before = follower.value.floats()
        model.updateMomentum(0.75)
        let expected = zip(before, weight.value.floats()).map { 0.75 * $0 + 0.25 * $1 }
        #expect(zip(follower.value.floats(), expected).allSatisfy { abs($0 - $1) < 1e-6 })
    }

    @Test func learnsToTellPicturesApart() {
        let model = model()
        let views = (0..<2).map { ContrastiveView(waves(12, seed: UInt64($0 + 1))) }
        let (first, last) = overfit(model, steps: 80, rate: 3e-3, afterStep: { model.updateMomentum(0.9) }) {
            LossTerm.total(model.loss(views[0], views[1], $0))
        }
        // Guessing costs 2 · 2τ · ln N.
        #expect(abs(first - 0.8 * log(12.0)) < 0.9 && last < 0.7 * first, "\(first) to \(last)")
    }
}

/// Parameters and the batch norms' running values: what a gradient check in Double needs.
func convertToDouble(_ model: MoCoV3<TinyEncoder>) {
    model.convertParametersToDouble()
    for layer in model.base.projector.norms + model.predictor.norms + model.momentum.projector.norms {
        layer.running.mean = layer.running.mean.converted(to: .f64)
        layer.running.variance = layer.running.variance.converted(to: .f64)
    }
}
