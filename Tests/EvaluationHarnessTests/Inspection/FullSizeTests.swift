import Autograd
import CheckpointIO
import Foundation
import NeuralLayers
import TensorCore
import TestSupport
import Testing
import VisionBackbones

@testable import EvaluationHarness

/// Published architectures at full size beside their references. Off unless `DMT_FULL_SIZE` names the folder that
/// `vit/make_full.py`, `upernet/make_beit.py` and `maskrcnn/make_vitdet.py` have filled; figures in `results/full-size.md`.
@Suite(.enabled(if: ProcessInfo.processInfo.environment["DMT_FULL_SIZE"] != nil), .serialized)
struct FullSizeTests {
    private let folder = ProcessInfo.processInfo.environment["DMT_FULL_SIZE"] ?? ""

    private func golden(_ name: String) throws -> [String: Tensor] {
        try Safetensors.load("\(folder)/\(name)-golden.safetensors").tensors
    }

    /// The largest difference relative to the largest value.
    private func expectClose(_ found: Tensor, _ wanted: Tensor?, _ name: String) throws {
        let wanted = try #require(wanted).doubles()
        let comparison = Comparison(found.doubles(), wanted, tolerance: 1e-4, floor: 0)
        print("full size, \(name): \(comparison.worst * 1e-4) of the largest value")
        #expect(comparison.isWithinBounds, "\(name): \(comparison)")
    }

    @Test("ViT-B/16 in MAE's layout, ViT-B/14 with registers", arguments: [CheckpointSource.mae, .timm])
    func encoders(source: CheckpointSource) throws {
        let golden = try golden(source.rawValue)
        let model = try CheckpointFile.loadEncoder("\(folder)/\(source.rawValue).pth", source: source).model
        let tokens = model.tokens(of: Variable(try #require(golden["images"])), .evaluation)
        try expectClose(tokens.classToken.value, golden["class"], "\(source.rawValue) class token")
        try expectClose(tokens.patches.value, golden["patches"], "\(source.rawValue) patches")
    }

    @Test("BEiT-B with UPerNet at 512 pixels", arguments: ["mmseg", "unilm"])
    func upernet(layout: String) throws {
        let golden = try golden("beit")
        let model = try UPerNetCheckpoint.load(
            "\(folder)/beit-\(layout).pth", source: layout == "mmseg" ? .mmseg : .beit)
        let logits = model.logits(Variable(try #require(golden["images"]))).resizedBilinear(to: (512, 512))
        try expectClose(logits.value, golden["logits"], "UPerNet, \(layout)")
    }

    @Test("ViTDet-B's Mask R-CNN at 1024 pixels, as published")
    func vitdet() throws {
        let model = try ViTDetCheckpoint.load("\(folder)/vitdet.pth")
        #expect(model.architecture.classCount == 80 && model.backbone.windowed?.configuration.window == 14)
        let golden = DetectionGolden(tensors: try golden("vitdet"))
        let worst = try golden.expectPredictions(
            model, try golden.images(), boxTolerance: 1e-2, scoreTolerance: 1e-4, tiesMaySwap: true)
        print("full size, ViTDet: boxes within \(worst.box) pixels, scores within \(worst.score)")
    }
}
