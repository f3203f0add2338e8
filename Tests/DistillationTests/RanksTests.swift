import Autograd
import Communication
import NeuralLayers
import TensorCore
import TestSupport
import Testing

@testable import Distillation

/// A batch on several ranks gives the losses, statistics and gradients of one process with all of it.
@Suite struct RanksTests {
    private struct Step: Sendable {
        var losses: [Double]
        var gradients: [Double]
        /// Buffers: the statistics of the targets.
        var statistics: [Double]
    }

    private func options(_ fusion: Fusion, _ standardization: TargetStandardization) -> DistillationOptions {
        DistillationOptions(fusion: fusion, standardization: standardization)
    }

    /// Two steps on a rank's share of the same eight pictures; PHI-S has a matrix for both widths.
    private static func steps(
        _ group: any Communicator, _ options: DistillationOptions
    ) -> Step {
        let model = DistillationModel(
            student: TinyBackbone(width: 4, seed: 1),
            teachers: [TeacherSpecification(name: "a", width: 4), TeacherSpecification(name: "b", width: 8)], options,
            seed: 7)
        let teachers = [
            Teacher(name: "a", TinyBackbone(width: 4, seed: 11), bf16: false),
            Teacher(name: "b", TinyBackbone(width: 8, seed: 12), bf16: false),
        ]
        var losses: [Double] = []
        for step in 0..<2 {
            let batch = normals([8, 8, 12, 3], seed: UInt64(step)).converted(to: .f32)
            let images = batch.rows(group.share(of: 8))
            let tape = Tape()
            let forward = Forward(mode: .training, seed: UInt64(step), tape: tape, group: group)
            let views = model.views(of: Variable(images), forward)
            let terms = model.loss(views, teacherTokens: teachers.map { $0.tokens(of: images) }, forward).terms
            tape.backward(LossTerm.total(terms), scale: 1 / Double(group.size))
            losses += group.means(terms.map { $0.value.item() })
        }
        var gradients: [Double] = []
        for parameter in model.parameters {
            guard let gradient = parameter.gradient else { continue }
            group.allReduceSum(gradient)
            gradients += gradient.doubles()
        }
        let statistics = model.stateEntries().flatMap { entry -> [Double] in
            if case .buffer(let tensor) = entry.storage { tensor.doubles() } else { [] }
        }
        return Step(losses: losses, gradients: gradients, statistics: statistics)
    }

    @Test(arguments: [1, 2, 4])
    func ranksAgreeWithOneProcess(size: Int) throws {
        let cases: [(Fusion, TargetStandardization)] = [
            (.consensus(temperature: 0.2), .zScore()), (.dropping(probability: 0.5), .zScore()),
            (.mean, .phiS(batches: 2)), (.mean, .layerNorm),
        ]
        for (fusion, standardization) in cases {
            let options = options(fusion, standardization)
            let alone = Self.steps(SingleProcess(), options)
            nonisolated(unsafe) let shared = options
            for step in try ThreadedRanks.run(size, { Self.steps($0, shared) }) {
                // Sums of some hundred terms in another order, in single precision.
                for (found, expected) in [
                    (step.losses, alone.losses), (step.gradients, alone.gradients),
                    (step.statistics, alone.statistics),
                ] {
                    let difference = Comparison(found, expected, tolerance: 2e-5, floor: 0.1)
                    #expect(!expected.isEmpty || found.isEmpty)
                    #expect(difference.isWithinBounds, "\(fusion), \(standardization), \(size) ranks: \(difference)")
                }
            }
        }
    }

    /// Patches that a student does not see are those of the picture's place in the whole batch.
    @Test func hiddenPatchesOfARankAreItsOwn() throws {
        let shares = HiddenPatches()
        let (first, second) = (
            shares.draw(pictures: 4, patches: 6, seed: 1), shares.draw(pictures: 4, patches: 6, seed: 1, rank: 1)
        )
        #expect(first.pictures.count == 2 && second.pictures.count == 2)
        #expect(first.patches != second.patches && second.pictures.allSatisfy { (0..<4).contains($0) })
    }
}
