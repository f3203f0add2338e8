import CheckpointIO
import DenseHeads
import SafeFiles
import TensorCore
import Testing
import VisionBackbones

@testable import EvaluationHarness

/// Mask R-CNN under torchvision's rules beside torchvision's own, from its checkpoint: `Tests/Fixtures/maskrcnn`.
@Suite struct TorchvisionGoldenTests {
    private let golden: DetectionGolden
    private let checkpoint: String

    init() throws {
        golden = try DetectionGolden("torchvision.safetensors")
        checkpoint = try #require(SourceCheckout.folder) + "/Tests/Fixtures/maskrcnn/torchvision-heads.pth"
    }

    private static func architecture(_ change: (inout DetectionArchitecture) -> Void = { _ in })
        -> DetectionArchitecture
    {
        var architecture = DetectionArchitecture()
        architecture.rules = .torchvision
        (architecture.pyramid, architecture.taps) = (.taps, [0, 1, 2, 3])
        (architecture.classCount, architecture.categoryIDs, architecture.size) = (3, [1, 2, 3], 96)
        (architecture.strides, architecture.channels) = ([4, 8, 16, 32], 8)
        (architecture.anchorSizes, architecture.canonicalSize) = ([9, 18, 36, 50, 70], 60)
        (architecture.boxWidth, architecture.boxNorm, architecture.maskNorm) = (16, .none, .none)
        architecture.maskChannels = 8
        (architecture.proposals, architecture.proposalsPerLevel, architecture.detectionLimit) = (30, 80, 14)
        change(&architecture)
        return architecture
    }

    private static func fresh(_ architecture: DetectionArchitecture = architecture()) throws -> DetectionModel {
        let vit = VisionTransformer(ViTConfiguration(imageSize: 96, width: 16, depth: 4, headCount: 2), seed: 1)
        return try DetectionModel(
            backbone: DetectionBackbone(vit), architecture: architecture, sampledAnchors: 100_000,
            sampledRegions: 100_000, seed: 1)
    }

    private func model() throws -> DetectionModel {
        let model = try Self.fresh()
        try TorchvisionHeads.load(checkpoint, into: model.detector)
        let own = golden.tensors(below: "weight.")
        try model.load(
            own, from: "torchvision.safetensors",
            ignoring: Set(model.stateEntries().map(\.name)).subtracting(own.keys))
        return model
    }

    @Test func findsWhatTorchvisionFinds() throws {
        try golden.expectPredictions(try model(), try golden.images())
    }

    @Test func lossesAndEveryGradientAreTorchvisions() throws {
        try golden.expectLossAndGradients(try model(), try golden.images())
    }

    @Test func tenStepsFollowTorchvisions() throws {
        try golden.expectSteps(try model(), try golden.images(), rate: 2e-4)
    }

    @Test("heads of another shape are refused with every misfit, and nothing changes")
    func otherHeads() throws {
        let model = try Self.fresh(Self.architecture { ($0.maskConvolutions, $0.boxWidth) = (3, 12) })
        let before = model.state()
        let error = #expect(throws: DataError.self) { try TorchvisionHeads.load(checkpoint, into: model.detector) }
        let text = "\(try #require(error))"
        for part in ["8 misfit(s)", "fc1.weight", "fc2.bias", "cls_score.weight", "mask_fcn3.weight: missing"] {
            #expect(text.contains(part), "\(part) in \(text)")
        }
        #expect(model.state().allSatisfy { $1.floats() == before[$0]?.floats() })
    }

    @Test("a simple pyramid takes the heads and leaves the feature pyramid network")
    func simplePyramid() throws {
        let model = try Self.fresh(Self.architecture { ($0.pyramid, $0.taps) = (.simple, []) })
        try TorchvisionHeads.load(checkpoint, into: model.detector)
    }
}
