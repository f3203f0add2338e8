import Autograd
import CheckpointIO
import Determinism
import NeuralLayers
import TensorCore
import TestSupport
import Testing

@testable import Distillation

/// Every equation of the distillation core against its restatement in PyTorch: see `Fixtures/distillation/make_losses.py`.
struct GoldenTests {
    /// Statistics are kept as f32: a few roundings of values of size 1, magnified by a deviation of 0.1.
    private static let singleState = 1e-5
    private let golden: [String: Tensor]

    init() throws {
        let folder = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(2).joined(
            separator: "/")
        golden = try CheckpointArchive.open(folder + "/Fixtures/distillation/losses.safetensors").tensors()
    }

    private func value(_ name: String) throws -> Tensor { try #require(golden[name], "no golden value \(name)") }

    private func compare(
        _ found: Tensor, _ name: String, tolerance: Double = Tolerance.goldenDouble, floor: Double = 1e-3
    ) throws {
        let expected = try value(name)
        let difference = Comparison(found.doubles(), expected.doubles(), tolerance: tolerance, floor: floor)
        #expect(difference.isWithinBounds, "\(name): \(difference)")
    }

    /// Compares a scalar and its gradients to inputs that carry their golden names.
    private func compare(_ name: String, _ inputs: [(String, Tensor)], _ loss: ([Variable]) throws -> Variable) throws {
        let tape = Tape()
        let gradients = inputs.map { Tensor.zeros($0.1.shape, .f64) }
        let owners = inputs.map { _ in Owner() }
        let leaves = inputs.indices.map { tape.leaf(inputs[$0].1, gradient: gradients[$0], owner: owners[$0]) }
        let total = try loss(leaves)
        try compare(total.value, name)
        tape.backward(total)
        for (input, gradient) in zip(inputs, gradients) { try compare(gradient, "\(name).d_\(input.0)") }
    }

    private final class Owner {}

    private static let losses: [(String, DistillationLoss)] = [
        ("cosine", DistillationLoss(cosineWeight: 1, smoothL1Weight: 0)),
        ("smooth1", DistillationLoss(cosineWeight: 0, smoothL1Weight: 1)),
        ("smooth2", DistillationLoss(cosineWeight: 0, smoothL1Weight: 1, beta: 2)),
        ("mse", DistillationLoss(cosineWeight: 0, smoothL1Weight: 0, mseWeight: 1)),
        ("kl", DistillationLoss(cosineWeight: 0, smoothL1Weight: 0, klWeight: 1)),
        ("kl3", DistillationLoss(cosineWeight: 0, smoothL1Weight: 0, klWeight: 1, klTemperature: 3)),
        ("mix", DistillationLoss()),
        (
            "all",
            DistillationLoss(
                cosineWeight: 0.5, smoothL1Weight: 0.5, beta: 2, mseWeight: 0.25, klWeight: 0.75, klTemperature: 2)
        ),
    ]

    @Test(arguments: losses.indices) func lossesOfTokens(_ index: Int) throws {
        let (name, loss) = Self.losses[index]
        let (student, target, weights) = (
            try value("loss.student"), try value("loss.target"), try value("loss.weights")
        )
        try compare(loss.tokenLosses(student, target: target), "loss.\(name).rows")
        try compare("loss.\(name).mean", [("student", student)]) { loss($0[0], target: target) }
        try compare("loss.\(name).weighted", [("student", student)]) {
            loss($0[0], target: target, rowWeights: weights)
        }
    }

    @Test func lossThroughAnAdapter() throws {
        var stream = RandomStream(seed: 1, purpose: "adapter")
        let adapter = Adapter(studentWidth: 5, depth: 1, teacherWidth: 6, &stream)
        adapter.convertParametersToDouble()
        try adapter.load(
            golden.filter { $0.key.hasPrefix("adapter.norm") || $0.key.hasPrefix("adapter.proj") }
                .reduce(into: [:]) { $0[String($1.key.dropFirst("adapter.".count))] = $1.value }, from: "golden")
        let tokens = Parameter(try value("adapter.tokens"))
        let tape = Tape()
        let forward = Forward(mode: .training, tape: tape)
        let total = DistillationLoss()(
            adapter(AdapterInput(last: forward(tokens)), forward), target: try value("adapter.target"),
            rowWeights: try value("adapter.weights"))
        try compare(total.value, "adapter.loss")
        tape.backward(total)
        try compare(try #require(tokens.gradient), "adapter.loss.d_tokens")
        for entry in adapter.stateEntries() {
            guard case .parameter(let parameter) = entry.storage else { continue }
            try compare(try #require(parameter.gradient), "adapter.loss.d_\(entry.name)")
        }
    }

    @Test func teacherDropping() throws {
        let (pictures, patches, loss) = (5, 4, DistillationLoss(cosineWeight: 0.5, smoothL1Weight: 0.5))
        let flags = try value("dropping.kept").ints()
        let selection = TeacherSelection(
            kept: (0..<3).map { i in (0..<pictures).map { flags[i * pictures + $0] == 1 } })
        var inputs: [(String, Tensor)] = []
        for i in 0..<3 {
            inputs += [("cls\(i)", try value("dropping.cls\(i)")), ("patch\(i)", try value("dropping.patch\(i)"))]
        }
        let weights = [selection.weights(tokens: 1, .f64), selection.weights(tokens: patches, .f64)]
        try compare("dropping.total", inputs) { leaves in
            .weightedSum(
                try leaves.enumerated().map { at, leaf in
                    let (teacher, type) = (at / 2, at % 2)
                    let target = try value("dropping.\(type == 0 ? "cls" : "patch")_target\(teacher)")
                    return (loss(leaf, target: target, rowWeights: weights[type][teacher]), 0.5)
                })
        }
        let tokenLosses = try (0..<3).map { i in
            try ["cls", "patch"].map {
                loss.tokenLosses(try value("dropping.\($0)\(i)"), target: try value("dropping.\($0)_target\(i)"))
            }
        }
        let largest = TeacherDropping(probability: 1).selection(
            losses: tokenLosses, pictures: pictures, RandomStream(seed: 1, purpose: "golden"))
        for (picture, teacher) in try value("dropping.largest").ints().enumerated() {
            #expect(largest.kept.indices.allSatisfy { largest.kept[$0][picture] == ($0 == Int(teacher)) })
        }
    }

    @Test(arguments: [("tokens", Agreement.tokenSimilarity, 0.3), ("direct", .directCosine, 0.5)])
    func consensusGate(_ name: String, _ agreement: Agreement, _ temperature: Double) throws {
        let weights = ConsensusGate(temperature: temperature, agreement: agreement).weights(
            affinities: try (0..<3).map { try value("gate.\(name).affinity\($0)") },
            targets: try (0..<3).map { try value("gate.\(name).target\($0)") })
        for (i, weight) in weights.enumerated() { try compare(weight, "gate.\(name).weights\(i)") }
    }

    @Test func zScoresOverSeveralBatches() throws {
        let standardizer = TargetStandardizer(.zScore(momentum: .runningAverage(final: 0.4)), channels: 5)
        for step in 0..<4 {
            let y = standardizer.standardized(try value("zscore.x\(step)"), .training)
            try compare(y, "zscore.y\(step)", tolerance: Self.singleState)
            try compare(standardizer.statistics!.mean, "zscore.mean\(step)", tolerance: Self.singleState)
            try compare(standardizer.statistics!.variance, "zscore.variance\(step)", tolerance: Self.singleState)
        }
    }

    @Test func layerNormOfTargets() throws {
        let y = TargetStandardizer(.layerNorm, channels: 7).standardized(try value("norm.x"), .training)
        try compare(y, "norm.y")
    }

    @Test func phiSOverSeveralBatches() throws {
        let standardizer = TargetStandardizer(.phiS(batches: 3), channels: 12)
        for step in 0..<4 {
            let y = standardizer.standardized(try value("phi.x\(step)"), .training)
            try compare(y, "phi.y\(step)", tolerance: Self.singleState)
        }
        let rotation = standardizer.rotation!
        #expect(rotation.updateCount == 3)
        try compare(rotation.mean, "phi.mean", tolerance: Self.singleState)
        try compare(rotation.covariance, "phi.covariance", tolerance: Self.singleState)
        try compare(rotation.transform, "phi.transform", tolerance: Self.singleState)
        try compare(PhiSStatistics.transform(ofCovariance: try value("phi.covariance")), "phi.transform")
        let (loss, target) = (
            DistillationLoss(cosineWeight: 0, smoothL1Weight: 0, mseWeight: 1), try value("phi.y3")
        )
        try compare("phi.mse", [("student", try value("phi.student"))]) { loss($0[0], target: target) }
    }

    @Test func relationsOfAttention() throws {
        let (student, teacher) = (try value("relation.student"), try value("relation.teacher"))
        var stream = RandomStream(seed: 1, purpose: "relation")
        func relation(_ kind: AttentionRelation.Kind) -> AttentionRelation {
            AttentionRelation(
                kind, studentHeads: 3, teacherHeads: 4, studentWidth: 12, teacherWidth: 8, &stream)
        }
        for (index, name) in ["qk", "vv"].enumerated() {
            try compare("relation.\(name)", [("student", student)]) {
                relation(.qkvv).loss(student: $0[0], teacher: teacher, .evaluation)[index].value
            }
        }
        let maps = relation(.attentionMaps)
        maps.convertParametersToDouble()
        try maps.load(["heads.weight": try value("relation.mixing")], from: "golden")
        let (tape, projections) = (Tape(), Parameter(student))
        let forward = Forward(mode: .training, tape: tape)
        let total = LossTerm.total(maps.loss(student: forward(projections), teacher: teacher, forward))
        try compare(total.value, "relation.maps")
        tape.backward(total)
        try compare(try #require(projections.gradient), "relation.maps.d_student")
        try compare(try #require(maps.heads?.weight.gradient), "relation.maps.d_mixing")
    }
}
