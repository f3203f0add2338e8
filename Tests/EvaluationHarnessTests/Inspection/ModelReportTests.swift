import CheckpointIO
import EvaluationHarness
import NeuralLayers
import Reporting
import TensorCore
import Testing
import VisionBackbones

@Suite struct ModelReportTests {
    @Test func shapesTellTheArchitecture() throws {
        try withTemporaryFolder { folder in
            let fixture = try InspectionFixture(folder)
            let head = ["head.weight": Tensor.zeros([10, 64]), "head.bias": .zeros([10])]
            let report = try ModelReport(try fixture.checkpoint("timm", extra: head), imageSize: 32)
            let architecture = try #require(report.architecture)
            #expect(architecture.name == nil && architecture.evidence == .shapes && architecture.classCount == 10)
            #expect(architecture.configuration.imageSize == 16 && architecture.configuration.depth == 2)
            #expect(architecture.configuration.parameterCount(classCount: 10) == report.valueCount)
            #expect(report.json["architecture"]?["parameters"]?.int == Int64(report.valueCount))
            #expect(report.warnings.isEmpty && report.text.contains("head.weight  F32  [10, 64]"))
            // 16 patches: projection, two blocks of 17 tokens, classifier.
            let products = 16 * 192 * 64 + 2 * (17 * 12 * 64 * 64 + 2 * 17 * 17 * 64) + 640
            #expect(architecture.flops == Double(2 * products))
            let cost = NetworkCost.measure(architecture.configuration, network: "vit", imageSize: 32, batchSize: 2)
            // Products and memory of other tests are counted too: the smoke test looks at both alone.
            #expect(cost.flops >= Double(2 * (products - 640)) && cost.parameters == report.valueCount - 650)
            #expect(cost.imagesPerSecond > 0 && cost.trainingBytes != nil)
        }
    }

    @Test func metadataMustAgreeWithTheShapes() throws {
        try withTemporaryFolder { folder in
            let tiny = VisionTransformer(ViTVariants.named("vit-tiny")!.configuration, seed: 1)
            let file = folder + "/tiny.safetensors"
            try Safetensors.write(tiny.state(), metadata: ["dmt.architecture": "vit-tiny"], to: file)
            let report = try ModelReport(file)
            #expect(report.architecture?.name == "vit-tiny" && report.architecture?.evidence == .metadata)
            #expect(report.warnings.isEmpty)
            let fixture = try InspectionFixture(folder)
            let liar = try ModelReport(
                try fixture.checkpoint("liar", metadata: ["dmt.architecture": "vit-tiny"]), imageSize: 16)
            #expect(liar.architecture?.name == nil && liar.warnings.count == 1)
            let typo = try ModelReport(
                try fixture.checkpoint("typo", metadata: ["dmt.architecture": "vit-tinny"]), imageSize: 16)
            #expect(typo.warnings.first?.contains("vit-tinny") == true)
        }
    }

    @Test func filesWithoutAViTAreListedAllTheSame() throws {
        try withTemporaryFolder { folder in
            let file = folder + "/other.safetensors"
            try Safetensors.write(["x": .zeros([2, 3])], to: file)
            let report = try ModelReport(file)
            #expect(report.architecture == nil && report.warnings.count == 1 && report.valueCount == 6)
            #expect(report.json["tensors"]?[0]?["name"]?.string == "x")
        }
    }
}
