import Autograd
import CheckpointIO
import Determinism
import NeuralLayers
import TensorCore
import TestSupport
import Testing

@testable import Distillation

/// Whole arms against their restatement in PyTorch: the total, each term, and the total's gradient to every trained
/// parameter. See `Fixtures/distillation/make_arms.py`.
struct ArmGoldenTests {
    /// The seed whose draws the generator holds as constants.
    private static let seed: UInt64 = 5

    /// One golden file and the model that it describes.
    private struct Arm {
        let golden: [String: Tensor]
        let model: DistillationModel<TinyBackbone>

        init(_ name: String, _ options: DistillationOptions, _ loss: DistillationLoss) throws {
            let folder = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(2).joined(
                separator: "/")
            golden = try CheckpointArchive.open("\(folder)/Fixtures/distillation/\(name).safetensors").tensors()
            model = DistillationModel(
                student: TinyBackbone(width: 4, depth: 2, seed: 1),
                teachers: [("a", 6, 1.0), ("b", 8, 0.7)].map { name, width, weight in
                    TeacherSpecification(name: name, width: width, weight: weight, clsLoss: loss, patchLoss: loss)
                }, options, seed: 7)
            model.convertParametersToDouble()
            var state: [String: Tensor] = [:]
            for (key, value) in golden where key.hasPrefix("state.") { state[String(key.dropFirst(6))] = value }
            try model.load(state, from: name)
        }

        func value(_ name: String) throws -> Tensor { try #require(golden[name], "no golden value \(name)") }

        func compare(_ found: [Double], _ name: String) throws {
            let difference = Comparison(
                found, try value(name).doubles(), tolerance: Tolerance.goldenDouble, floor: 1e-3)
            #expect(difference.isWithinBounds, "\(name): \(difference)")
        }

        /// Statistics stay as loaded: evaluation draws the same pictures and patches as training.
        func check(_ loss: String) throws {
            let tape = Tape()
            let forward = Forward(mode: .evaluation, seed: ArmGoldenTests.seed, tape: tape)
            for parameter in model.parameters { parameter.gradient = nil }
            let teachers = try model.teacherNames.map {
                TeacherTokens(
                    name: $0, cls: try value("input.\($0).cls"), patches: try value("input.\($0).patches"), grid: (2, 3)
                )
            }
            let views = model.views(of: Variable(try value("input.images")), forward)
            let terms = model.loss(views, teacherTokens: teachers, forward).terms
            for term in terms { try compare(term.value.value.doubles(), "\(loss).\(term.name)") }
            let total = LossTerm.total(terms)
            try compare(total.value.doubles(), "\(loss).total")
            tape.backward(total)
            var compared = 0
            for entry in model.stateEntries() {
                guard case .parameter(let parameter) = entry.storage, parameter.isTrainable else { continue }
                // What a loss does not reach has no gradient.
                let gradient = parameter.gradient ?? .zeros(parameter.shape, .f64)
                try compare(gradient.doubles(), "\(loss).d_\(entry.name)")
                compared += 1
            }
            #expect(compared == golden.keys.count { $0.hasPrefix("\(loss).d_") })
        }
    }

    private func options(_ fusion: Fusion = .mean, _ change: (inout DistillationOptions) -> Void = { _ in })
        -> DistillationOptions
    {
        var options = DistillationOptions(fusion: fusion)
        change(&options)
        return options
    }

    /// UNIC: under the mean of teachers, and where each picture keeps its hardest teacher alone.
    @Test(arguments: ["mean", "dropping"]) func ladderOfProjectors(_ fusion: String) throws {
        let arm = try Arm(
            "ladder",
            options(fusion == "mean" ? .mean : .dropping(probability: 1)) { $0.adapter = .ladder(hidden: 5, last: 7) },
            DistillationLoss(cosineWeight: 0.5, smoothL1Weight: 0.5))
        try arm.check(fusion)
    }

    @Test func threePartsOfProteus() throws {
        let arm = try Arm(
            "proteus", options { $0.tokens = .proteus },
            DistillationLoss(cosineWeight: 0, smoothL1Weight: 0, mseWeight: 1))
        let drawn = arm.model.options.hiddenPatches.draw(pictures: 4, patches: 6, seed: Self.seed)
        #expect(drawn.pictures.map(Int32.init) == (try arm.value("draw.hidden_pictures").ints()))
        #expect(drawn.patches.flatMap { $0 } == (try arm.value("draw.hidden_patches").ints()))
        try arm.check("mean")
    }

    /// G2SD: the student sees half of the patches, the decoder answers for all.
    @Test func maskedStudentWithDecoder() throws {
        var stream = RandomStream(seed: 3, purpose: "golden decoder")
        let masking = StudentMasking(
            ratio: 0.5,
            decoder: MaskDecoder(encoderWidth: 4, positions: .zeros([1, 7, 6]), depth: 1, heads: 2, &stream))
        let arm = try Arm("masked", options { $0.masking = masking }, DistillationLoss())
        let drawn = masking.draw(pictures: 4, patches: 6, seed: Self.seed)
        #expect(drawn.flatMap { $0 } == (try arm.value("draw.visible").ints()))
        try arm.check("mean")
    }
}
