import Autograd
import CheckpointIO
import DenseHeads
import Geometry
import NeuralLayers
import SafeFiles
import TensorCore
import TestSupport
import Testing
import VisionBackbones

@testable import EvaluationHarness

/// BEiT with UPerNet out of two code bases' checkpoints beside Hugging Face's: `Tests/Fixtures/upernet/make_beit.py`.
@Suite struct UPerNetCheckpointTests {
    private let folder: String
    private let golden: [String: Tensor]

    init() throws {
        folder = try #require(SourceCheckout.folder) + "/Tests/Fixtures/upernet/"
        golden = try Safetensors.load(folder + "beit-golden.safetensors").tensors
    }

    private func model(_ layout: String) throws -> SegmentationModel {
        let source: CheckpointSource = layout == "unilm" ? .beit : .mmseg
        return try UPerNetCheckpoint.load(folder + "beit-\(layout).pth", source: source, taps: [0, 1, 2, 3])
    }

    private func tensor(_ name: String) throws -> Tensor { try #require(golden[name], "\(name)") }

    private func targets() throws -> [SemanticLabels] {
        let labels = try tensor("labels").ints()
        let size = ImageSize(height: 64, width: 64)
        return [0, 1].map {
            SemanticLabels(size: size, labels: Array(labels[$0 * size.pixelCount..<($0 + 1) * size.pixelCount]))
        }
    }

    /// The same weights without dropout, which the reference does not have.
    private func withoutDropout(_ layout: String) throws -> SegmentationModel {
        let model = try model(layout)
        var architecture = model.architecture
        architecture.dropout = 0
        let copy = try SegmentationModel(backbone: model.backbone, architecture: architecture, seed: 0)
        try copy.load(model.state(), from: layout)
        return copy
    }

    private func loss(_ model: SegmentationModel, _ tape: Tape) throws -> Variable {
        LossTerm.total(
            model.loss(
                Variable(try tensor("images")), try targets(), auxiliaryWeight: 0.4, frozen: false,
                Forward(mode: .training, tape: tape)))
    }

    @Test("both layouts give Hugging Face's logits", arguments: ["unilm", "mmseg"])
    func logits(layout: String) throws {
        let model = try model(layout)
        #expect(model.architecture.classCount == 3 && model.architecture.channels == 6)
        #expect(model.architecture.auxiliaryChannels == 5 && !model.architecture.normsTaps)
        let found = model.logits(Variable(try tensor("images"))).resizedBilinear(to: (64, 64))
        let comparison = Comparison(found.value.doubles(), try tensor("logits").doubles(), tolerance: 1e-5)
        #expect(comparison.isWithinBounds, "\(comparison)")
    }

    @Test func lossAndEveryGradientAreHuggingFaces() throws {
        let model = try withoutDropout("mmseg")
        let tape = Tape()
        let total = try loss(model, tape)
        #expect(abs(total.item() - (try tensor("loss").doubles()[0])) < 1e-5)
        tape.backward(total)
        var checked = 0
        for entry in model.stateEntries() {
            guard case .parameter(let parameter) = entry.storage else { continue }
            let wanted = try tensor("gradient.\(entry.name)").doubles()
            let found = try #require(parameter.gradient).doubles()
            let comparison = Comparison(found, wanted, tolerance: 1e-4, floor: 1e-4)
            #expect(comparison.isWithinBounds, "\(entry.name): \(comparison)")
            checked += 1
        }
        #expect(checked == golden.keys.count { $0.hasPrefix("gradient.") })
    }

    @Test func tenStepsFollowHuggingFaces() throws {
        let model = try withoutDropout("unilm")
        let optimizer = AdamW(ParameterGroup.decayed(model.stateEntries(), weightDecay: 0.05))
        for (step, expected) in try tensor("steps").doubles().enumerated() {
            let tape = Tape()
            let total = try loss(model, tape)
            #expect(abs(total.item() - expected) <= 1e-4 * expected, "step \(step): \(total.item()), \(expected)")
            tape.backward(total)
            optimizer.step(learningRate: 1e-3, clipNorm: nil)
            optimizer.zeroGradients()
        }
    }

    @Test("depths without a recipe, other layouts and misfits are refused")
    func refusals() throws {
        let depth = #expect(throws: DataError.self) {
            try UPerNetCheckpoint.load(folder + "beit-unilm.pth", source: .beit)
        }
        #expect("\(try #require(depth))".contains("--taps"))
        let layout = #expect(throws: DataError.self) {
            try UPerNetCheckpoint.load(folder + "beit-mmseg.pth", source: .beit, taps: [0, 1, 2, 3])
        }
        #expect("\(try #require(layout))".contains("--source mmseg"))
        try withTemporaryFolder { temporary in
            var tensors = try CheckpointFile.open(folder + "beit-mmseg.pth", source: .mmseg).tensors()
            tensors["decode_head.bottleneck.bn.weight"] = nil
            tensors["neck.upsample_2x.0.bias"] = .zeros([7])
            try Safetensors.write(tensors, to: temporary + "/cut.safetensors")
            let error = #expect(throws: DataError.self) {
                try UPerNetCheckpoint.load(temporary + "/cut.safetensors", source: .mmseg, taps: [0, 1, 2, 3])
            }
            let text = "\(try #require(error))"
            for part in ["2 misfit(s)", "bottleneck.bn.weight: missing", "upsample_2x.0.bias: shape"] {
                #expect(text.contains(part), "\(part) in \(text)")
            }
        }
    }
}
