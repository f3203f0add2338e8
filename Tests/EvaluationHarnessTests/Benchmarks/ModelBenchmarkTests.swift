import JSONText
import NeuralLayers
import Testing
import VisionBackbones

@testable import EvaluationHarness

@Suite struct ModelBenchmarkTests {
    private static let small = ViTVariant(
        name: "vit-test", configuration: ViTConfiguration(imageSize: 32, width: 16, depth: 1, headCount: 2))

    @Test(arguments: [ModelBenchmark.Pass.forward, .train]) func theContractHolds(_ pass: ModelBenchmark.Pass) throws {
        var calls = 0
        let benchmark = try ModelBenchmark(Self.small, pass: pass, batchSize: 2, imageSize: 32, steps: 3)
        let timing = try benchmark.run { calls += 1 }
        #expect(calls == 5 && timing.secondsPerStep.count == 3 && timing.secondsPerStep.allSatisfy { $0 > 0 })
        #expect(timing.imagesPerSecond == 2 / timing.secondsPerStep.sorted()[1])
        let document = timing.json
        for key in ["images_per_second", "gflops", "peak_gflops", "peak_rss_mib"] {
            #expect(try #require(document[key]?.double) > 0, "\(key)")
        }
        #expect(document["seconds_per_step"]?[2]?.double == timing.secondsPerStep[2])
        #expect(document["schema_version"]?.int == 1)
    }

    /// Detectors and segmenters have steps of both kinds, whose operations are counted.
    @Test(arguments: [ModelBenchmark.Head.maskRCNN, .upernet], [ModelBenchmark.Pass.forward, .train])
    func denseHeads(_ head: ModelBenchmark.Head, _ pass: ModelBenchmark.Pass) throws {
        var benchmark = try ModelBenchmark(
            Self.tapped, head: head, pass: pass, batchSize: 1, imageSize: 64, steps: 1)
        benchmark.overrides =
            ["head.channels=8"]
            + (head == .maskRCNN
                ? ["sampled_regions=8", "proposals=20", "box_width=16", "mask_channels=8"].map { "head.\($0)" } : [])
        let timing = try benchmark.run()
        #expect(timing.flopsPerStep > 1e6 && timing.json["head"]?.string == head.rawValue)
        #expect(throws: (any Error).self) { try ModelBenchmark(Self.tapped, head: head, pass: .distill) }
        #expect(throws: (any Error).self) { try ModelBenchmark(Self.tapped, head: head, pass: .distillCached) }
    }

    private static let tapped = ViTVariant(
        name: "vit-test", configuration: ViTConfiguration(imageSize: 64, width: 16, depth: 12, headCount: 2))

    /// A training step counts as three forward passes; distillation as three ViT-B and three times the student with its
    /// linear layers.
    @Test func flopsOfAStep() throws {
        let base = ViTVariants.named("vit-base")!.configuration
        let tiny = ViTVariants.named("vit-tiny")!
        func flops(_ pass: ModelBenchmark.Pass) throws -> Double? {
            try ModelBenchmark(tiny, pass: pass, batchSize: 4).flopsPerStep
        }
        #expect(try flops(.forward) == 4 * tiny.configuration.flops(classCount: 1000))
        #expect(try flops(.train) == 12 * tiny.configuration.flops(classCount: 1000))
        let adapters = 3.0 * 2 * 197 * 192 * 768
        #expect(try flops(.distill) == 4 * (3 * base.flops() + 3 * (tiny.configuration.flops() + adapters)))
    }

    /// The classifier that is timed has the parameters of timm's.
    @Test func theTimedModelIsTheWholeOne() {
        let model = BenchmarkClassifier(ViTVariants.named("vit-tiny")!.configuration, classCount: 1000, seed: 0)
        #expect(model.parameterCount == 5_717_416)
    }

    /// Steps of the distillation that is timed lower its loss: gradients reach student and adapters, teachers stay.
    @Test func distillationStepsLearn() throws {
        let model = BenchmarkDistillation(
            student: Self.small.configuration,
            teacher: ViTConfiguration(imageSize: 32, width: 24, depth: 1, headCount: 2), bf16: false, seed: 3)
        let before = model.teachers[0].backbone.stateEntries().map { $0.tensor.floats() }
        let optimizer = AdamW(ParameterGroup.decayed(model.stateEntries(), weightDecay: 0.05))
        let images = TensorDraw.images(2, 32)
        var losses: [Double] = []
        for _ in 0..<8 {
            losses.append(TensorDraw.step(optimizer) { model(images, $0) })
        }
        #expect(losses.last! < 0.9 * losses[0], "\(losses)")
        #expect(model.teachers[0].backbone.stateEntries().map { $0.tensor.floats() } == before)
        #expect(model.adapters.count == 3 && model.parameters.count == model.student.parameters.count + 6)
    }

    @Test func medianOfEvenCountsIsTheMeanOfTheMiddle() throws {
        let benchmark = try ModelBenchmark(Self.small, pass: .train, precision: .bf16, imageSize: 32)
        let timing = ModelTiming(
            benchmark: benchmark, threads: 2, secondsPerStep: [4, 1, 2, 8], peakGigaflopsPerCore: 10,
            memory: MemoryUse(residentMiB: 1, tensorMiB: 1))
        #expect(timing.medianSeconds == 3 && timing.peakGigaflops == 20)
    }

    @Test func impossibleSettingsAreRefused() {
        #expect(throws: (any Error).self) { try ModelBenchmark(Self.small, pass: .train, imageSize: 40) }
        #expect(throws: (any Error).self) { try ModelBenchmark(Self.small, pass: .train, batchSize: 0) }
    }

    @Test func mistypedNamesGetASuggestion() {
        let complaint = NamedChoice.complaint("vit-tinny", among: ViTVariants.names, option: "--arch")
        #expect(complaint?.hasSuffix("Did you mean 'vit-tiny'?") == true)
        #expect(NamedChoice.complaint("vit-tiny", among: ViTVariants.names, option: "--arch") == nil)
    }
}
