import TensorCore
import Geometry
import Determinism
import DenseHeads
import Autograd
import DenseData
import DenseMetrics
import Foundation
import ImageFiles
import SafeFiles
import Testing

@testable import EvaluationHarness

@Suite("Segmentation: training and predictions") struct SegmentationTrainingTests {
    @Test("each head learns six scenes better than the commonest class", arguments: SegmentationHeadKind.allCases)
    func overfits(head: SegmentationHeadKind) throws {
        try withTemporaryFolder { folder in
            let data = try DrawnScenes(folder).data(.segment)
            let dataset = try data.segmentation()
            var settings = DrawnScenes.segmentation(steps: head == .linear ? 150 : 100)
            settings.architecture.head = head
            let trainer = SegmentationTrainer(settings)
            let model = try trainer.model(on: DrawnScenes.backbone(), for: dataset)
            let history = try trainer.run(model, dataset: dataset)
            let curve = try #require(history.curves.first { $0.name == "seg" }).points
            #expect(curve.last!.value < 0.6 * curve.first!.value)
            let target = folder + "/predictions"
            try SegmentationInference().predict(model, dataset: dataset, to: target)
            let coding = try LabelCoding(
                classCount: dataset.info.classes.count, ignoreLabel: 255, reducesZeroLabel: dataset.reducesZeroLabel)
            let score = try SemsegScoring.run(
                labels: data.labelFolder, predictions: target, dataset: .classes(coding))
            let total = score.evaluation.total()
            let commonest = Double(total.labelled.max()!) / Double(total.labelled.reduce(0, +))
            let accuracy = try #require(score.metrics.first { $0.name == "aAcc" }?.value)
            #expect(accuracy > commonest + 0.1, "accuracy \(accuracy), commonest class \(commonest)")
        }
    }

    @Test("one window over the picture gives what the whole picture gives; smaller windows something else")
    func windows() throws {
        try withTemporaryFolder { folder in
            let dataset = try DrawnScenes(folder).data(.segment).segmentation()
            let trainer = SegmentationTrainer(DrawnScenes.segmentation(steps: 6))
            let model = try trainer.model(on: DrawnScenes.backbone(), for: dataset)
            try trainer.run(model, dataset: dataset)
            func files(_ name: String, side: Int, _ windows: WindowGrid?) throws -> [[UInt8]] {
                var inference = SegmentationInference(shortSide: side, windows: windows)
                inference.batchSize = 1
                let names = try inference.predict(model, dataset: dataset, to: "\(folder)/\(name)")
                return try names.map { try FileBytes.read("\(folder)/\(name)/\($0)", limit: 1 << 20) }
            }
            // A side that is no multiple of the patch is padded either way.
            for side in [0, 45, 64] {
                let whole = try files("whole\(side)", side: side, nil)
                #expect(whole == (try files("one\(side)", side: side, WindowGrid(crop: 512, stride: 341))))
                let small = WindowGrid(crop: 32, stride: 21)
                #expect(whole != (try files("small\(side)", side: side, small)))
            }
        }
    }

    @Test("a single view of probabilities decides as logits do; mirrored pictures give mirrored labels")
    func augmentation() throws {
        try withTemporaryFolder { folder in
            let dataset = try DrawnScenes(folder).data(.segment).segmentation()
            let trainer = SegmentationTrainer(DrawnScenes.segmentation(steps: 6))
            let model = try trainer.model(on: DrawnScenes.backbone(), for: dataset)
            try trainer.run(model, dataset: dataset)
            func files(_ name: String, _ augmentation: SegmentationAugmentation?) throws -> [[UInt16]] {
                var inference = SegmentationInference(shortSide: 45, augmentation: augmentation)
                inference.batchSize = 1
                let names = try inference.predict(model, dataset: dataset, to: "\(folder)/\(name)")
                return try names.map { try PictureFile.loadLabels("\(folder)/\(name)/\($0)").values }
            }
            func differing(_ a: [[UInt16]], _ b: [[UInt16]]) -> Double {
                let pixels = zip(a.joined(), b.joined())
                return Double(pixels.count { $0 != $1 }) / Double(a.joined().count)
            }
            let plain = try files("plain", nil)
            // Softmax keeps the order; rounding may decide a tie otherwise.
            #expect(differing(plain, try files("one", SegmentationAugmentation())) < 1e-3)
            let early = try files("early", SegmentationAugmentation(softmaxBeforeResize: true))
            #expect(differing(plain, early) < 0.1)
            let many = try files("many", SegmentationAugmentation(scales: [0.75, 1, 1.25], flips: true))
            #expect(many != plain && differing(plain, many) < 0.5)
        }
    }

    @Test("a mirrored view counts at its own place")
    func mirroredViews() {
        let size = ImageSize(height: 3, width: 5)
        var stream = RandomStream(seed: 2, purpose: "mirrored views")
        let values = (0..<size.pixelCount * 4).map { _ in Float(stream.uniform()) }
        var mirrored = values
        for y in 0..<size.height {
            for x in 0..<size.width {
                for k in 0..<4 {
                    mirrored[(y * size.width + x) * 4 + k] = values[(y * size.width + size.width - 1 - x) * 4 + k]
                }
            }
        }
        let views = [values, mirrored].map { Variable(Tensor($0, [1, size.height, size.width, 4])) }
        let mean = ProbabilityMean(size: size, classCount: 4)
        mean.add(views[1], isMirrored: true)
        #expect(mean.labels == SemanticLabels(largestOf: views[0]))
        mean.add(views[0], isMirrored: false)
        #expect(mean.labels == SemanticLabels(largestOf: views[0]))
    }

    @Test("one seed gives the same files on one and two threads, another seed others")
    func threads() throws {
        try withTemporaryFolder { folder in
            let dataset = try DrawnScenes(folder).data(.segment).segmentation()
            func files(_ threads: Int, seed: UInt64, _ name: String) throws -> [[UInt8]] {
                try DrawnScenes.onThreads(threads) {
                    var settings = DrawnScenes.segmentation(steps: 6)
                    settings.scale = 0.7...1.4
                    settings.distortsColours = true
                    settings.tuning.dropPath = 0.2
                    settings.tuning.seed = seed
                    let trainer = SegmentationTrainer(settings)
                    let model = try trainer.model(on: DrawnScenes.backbone(), for: dataset)
                    try trainer.run(model, dataset: dataset)
                    try model.save(to: "\(folder)/\(name).safetensors")
                    let names = try SegmentationInference().predict(model, dataset: dataset, to: "\(folder)/\(name)")
                    return try names.map { try FileBytes.read("\(folder)/\(name)/\($0)", limit: 1 << 20) } + [
                        try FileBytes.read("\(folder)/\(name).safetensors", limit: 1 << 28)
                    ]
                }
            }
            let first = try files(1, seed: 1, "a")
            #expect(first == (try files(2, seed: 1, "b")))
            #expect(first != (try files(2, seed: 2, "c")))
        }
    }

    @Test("a saved model predicts the same bytes, and its backbone loads alone", arguments: [false, true])
    func roundTrip(joinsBlocks: Bool) throws {
        try withTemporaryFolder { folder in
            let dataset = try DrawnScenes(folder).data(.segment).segmentation()
            var settings = DrawnScenes.segmentation(steps: 3)
            if joinsBlocks {
                settings.architecture.head = .linear
                settings.architecture.taps = [1, 3]
                settings.architecture.hasBatchNorm = false
            }
            let trainer = SegmentationTrainer(settings)
            let model = try trainer.model(on: DrawnScenes.backbone(), for: dataset)
            try trainer.run(model, dataset: dataset)
            try model.save(to: folder + "/m.safetensors", metadata: ["dmt.arm": "x"])
            let (loaded, metadata) = try SegmentationModel.load(folder + "/m.safetensors")
            #expect(metadata["dmt.arm"] == "x")
            #expect(loaded.architecture == model.architecture)
            let names = try SegmentationInference().predict(model, dataset: dataset, to: folder + "/a")
            try SegmentationInference().predict(loaded, dataset: dataset, to: folder + "/b")
            for name in names {
                let a = try FileBytes.read("\(folder)/a/\(name)", limit: 1 << 20)
                #expect(a == (try FileBytes.read("\(folder)/b/\(name)", limit: 1 << 20)))
                let map = try PNGFile.decodeLabels(a, file: name)
                #expect((map.height, map.width) == (64, 64))
                #expect(map.values.allSatisfy { (1...UInt16(dataset.info.classes.count)).contains($0) })
            }
            let backbone = try ModelFile.loadBackbone(folder + "/m.safetensors")
            #expect(backbone.state()["norm.weight"]!.floats() == model.backbone.state()["norm.weight"]!.floats())
            #expect(throws: DataError.self) { try DetectionModel.load(folder + "/m.safetensors") }
        }
    }

    @Test("a frozen backbone keeps its bytes, a trained one does not, and the original is never touched")
    func frozen() throws {
        try withTemporaryFolder { folder in
            let dataset = try DrawnScenes(folder).data(.segment).segmentation()
            let original = DrawnScenes.backbone()
            let before = original.blocks[0].mlp!.fc1.weight.value.floats()
            for freezes in [true, false] {
                var settings = DrawnScenes.segmentation(steps: 2)
                settings.tuning.freezesBackbone = freezes
                let trainer = SegmentationTrainer(settings)
                let model = try trainer.model(on: original, for: dataset)
                try trainer.run(model, dataset: dataset)
                #expect((model.backbone.blocks[0].mlp!.fc1.weight.value.floats() == before) == freezes)
                #expect(original.blocks[0].mlp!.fc1.weight.value.floats() == before)
            }
        }
    }

    @Test("a stop between steps is thrown with the steps done")
    func stops() throws {
        try withTemporaryFolder { folder in
            let dataset = try DrawnScenes(folder).data(.segment).segmentation()
            let trainer = SegmentationTrainer(DrawnScenes.segmentation(steps: 5))
            let model = try trainer.model(on: DrawnScenes.backbone(), for: dataset)
            var asked = 0
            let counting = { () -> Bool in
                asked += 1
                return asked > 2
            }
            let error = #expect(throws: TrainingInterrupted.self) {
                try trainer.run(model, dataset: dataset, TrainingObserver(shouldStop: counting))
            }
            #expect(error?.completedSteps == 2)
        }
    }
}
