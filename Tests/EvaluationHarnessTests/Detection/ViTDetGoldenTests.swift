import CheckpointIO
import SafeFiles
import TensorCore
import Testing

@testable import EvaluationHarness

/// ViTDet's Mask R-CNN in detectron2's layout and under its rules beside the reference: `Tests/Fixtures/maskrcnn`.
@Suite struct ViTDetGoldenTests {
    private let golden: DetectionGolden
    private let checkpoint: String

    init() throws {
        golden = try DetectionGolden("vitdet-golden.safetensors")
        checkpoint = try #require(SourceCheckout.folder) + "/Tests/Fixtures/maskrcnn/vitdet.pth"
    }

    private func model() throws -> DetectionModel {
        let model = try ViTDetCheckpoint.load(checkpoint, categoryIDs: [1, 2, 3]) {
            // The fixture is a small one: what shapes do not tell is scaled to its pictures.
            ($0.anchorSizes, $0.canonicalSize) = ([16, 32, 64, 96, 120], 64)
            ($0.proposals, $0.proposalsPerLevel, $0.detectionLimit, $0.maskPoolSize) = (30, 80, 14, 7)
        }
        let sampling = try DetectionModel(
            backbone: model.backbone, architecture: model.architecture, sampledAnchors: 8192, sampledRegions: 100_000,
            seed: 0)
        try sampling.load(model.state(), from: checkpoint)
        return sampling
    }

    @Test func shapesTellTheArchitecture() throws {
        let model = try ViTDetCheckpoint.load(checkpoint, categoryIDs: [1, 2, 3])
        let backbone = try #require(model.backbone.windowed).configuration
        #expect((backbone.imageSize, backbone.pretrainedSize, backbone.patchSize) == (128, 96, 16))
        #expect((backbone.width, backbone.depth, backbone.headCount, backbone.mlpRatio) == (16, 4, 2, 2))
        #expect(backbone.window == 3 && backbone.globalBlocks == [1, 3])
        let head = model.architecture
        #expect((head.classCount, head.channels, head.boxConvolutions, head.boxLinearLayers) == (3, 8, 2, 1))
        #expect((head.boxWidth, head.maskConvolutions, head.maskChannels, head.proposalConvolutions) == (16, 2, 8, 2))
        #expect(head.rules == .detectron2 && head.boxNorm == .layer && head.anchorSizes.last == 512)
    }

    @Test func findsWhatTheReferenceFinds() throws {
        try golden.expectPredictions(try model(), try golden.images())
    }

    @Test func lossesAndEveryGradientAreTheReferences() throws {
        try golden.expectLossAndGradients(try model(), try golden.images())
    }

    @Test func tenStepsFollowTheReference() throws {
        try golden.expectSteps(try model(), try golden.images(), rate: 2e-4)
    }

    @Test("a saved model is the same model")
    func savedAgain() throws {
        try withTemporaryFolder { folder in
            let model = try ViTDetCheckpoint.load(checkpoint, categoryIDs: [1, 2, 3])
            try model.save(to: folder + "/model.safetensors")
            let again = try DetectionModel.load(folder + "/model.safetensors").model
            #expect(again.architecture == model.architecture)
            #expect(again.backbone.windowed?.configuration == model.backbone.windowed?.configuration)
            let before = model.state()
            #expect(again.state().allSatisfy { $1.floats() == before[$0]?.floats() })
        }
    }

    @Test("classes without ids, another layout and missing tensors are refused")
    func refusals() throws {
        let noIDs = #expect(throws: DataError.self) { try ViTDetCheckpoint.load(checkpoint) }
        #expect("\(try #require(noIDs))".contains("--categories"))
        let other = checkpoint.replacingOccurrences(of: "vitdet.pth", with: "torchvision-heads.pth")
        let layout = #expect(throws: DataError.self) { try ViTDetCheckpoint.load(other, categoryIDs: [1]) }
        #expect("\(try #require(layout))".contains("backbone.net.patch_embed.proj.weight"))
        try withTemporaryFolder { folder in
            var tensors = try CheckpointFile.open(checkpoint).tensors()
            tensors["roi_heads.mask_head.deconv.bias"] = nil
            tensors["roi_heads.box_head.fc9.weight"] = .zeros([2, 2])
            tensors["backbone.net.blocks.2.norm1.weight"] = .zeros([15])
            try Safetensors.write(tensors, to: folder + "/cut.safetensors")
            let error = #expect(throws: DataError.self) {
                try ViTDetCheckpoint.load(folder + "/cut.safetensors", categoryIDs: [1, 2, 3])
            }
            let text = "\(try #require(error))"
            for part in ["3 misfit(s)", "deconv.bias: missing", "fc9.weight: unexpected", "norm1.weight: shape"] {
                #expect(text.contains(part), "\(part) in \(text)")
            }
        }
    }
}
