import Annotations
import DenseData
import DenseMetrics
import SafeFiles
import Testing

@testable import EvaluationHarness

@Suite("Detection: training and predictions") struct DetectionTrainingTests {
    @Test("six scenes are learned: boxes and masks are found again")
    func overfits() throws {
        try withTemporaryFolder { folder in
            let dataset = try DrawnScenes(folder).data(.detect).detection()
            let trainer = DetectionTrainer(DrawnScenes.detection(steps: 150))
            let model = try trainer.model(on: DrawnScenes.backbone(), for: dataset)
            try trainer.run(model, dataset: dataset)
            let file = folder + "/dt.json"
            let count = try DetectionInference().predict(model, dataset: dataset, to: file)
            #expect(count > 0)
            for overlap in [CocoOverlap.box, .mask] {
                let score = try CocoScoring.run(gt: dataset.annotationFile, dt: file, iouType: overlap)
                let half = try #require(score.summary.metrics.first { $0.name == "AP50" }?.value)
                #expect(half > 0.3, "AP50 \(half) of \(overlap)")
            }
        }
    }

    @Test("one seed gives the same results file on one and two threads")
    func threads() throws {
        try withTemporaryFolder { folder in
            let dataset = try DrawnScenes(folder).data(.detect).detection()
            func file(_ threads: Int, seed: UInt64) throws -> [UInt8] {
                try DrawnScenes.onThreads(threads) {
                    var settings = DrawnScenes.detection(steps: 6)
                    settings.views = .jitter(LargeScaleJitter(size: 64, factor: 0.6...1.4))
                    settings.architecture.scoreThreshold = 0
                    settings.architecture.detectionLimit = 10
                    settings.tuning.seed = seed
                    let trainer = DetectionTrainer(settings)
                    let model = try trainer.model(on: DrawnScenes.backbone(), for: dataset)
                    try trainer.run(model, dataset: dataset)
                    try DetectionInference().predict(model, dataset: dataset, to: folder + "/dt.json")
                    return try FileBytes.read(folder + "/dt.json", limit: 1 << 26)
                }
            }
            let first = try file(1, seed: 1)
            #expect(first == (try file(2, seed: 1)))
            #expect(first != (try file(1, seed: 2)))
        }
    }

    @Test("a results file reads back: known pictures and categories, boxes inside, masks of the picture's size")
    func results() throws {
        try withTemporaryFolder { folder in
            let dataset = try DrawnScenes(folder).data(.detect, split: "val").detection()
            var settings = DrawnScenes.detection(steps: 1)
            settings.architecture.scoreThreshold = 0
            let model = try DetectionTrainer(settings).model(on: DrawnScenes.backbone(), for: dataset)
            try model.save(to: folder + "/m.safetensors")
            let (loaded, _) = try DetectionModel.load(folder + "/m.safetensors")
            #expect(loaded.architecture == model.architecture)
            let count = try DetectionInference().predict(model, dataset: dataset, to: folder + "/a.json")
            try DetectionInference().predict(loaded, dataset: dataset, to: folder + "/b.json")
            #expect(try text(of: folder + "/a.json") == text(of: folder + "/b.json"))
            let results = try CocoResults.load(folder + "/a.json").records
            #expect(results.count == count && count > 0)
            let ids = (0..<dataset.count).map(dataset.imageID)
            for result in results {
                #expect(ids.contains(result.imageID) && dataset.categoryIDs.contains(result.categoryID))
                let box = try #require(result.box)
                #expect(box.x >= 0 && box.y >= 0 && box.x + box.width <= 64.0001 && box.y + box.height <= 64.0001)
                guard case .rle(let mask) = result.segmentation else { throw UnexpectedForm() }
                #expect(mask.size == dataset.size(at: 0) && mask.isComplete)
            }
        }
    }

    @Test("no object at all is an empty list, and a stop leaves no file")
    func edges() throws {
        try withTemporaryFolder { folder in
            let dataset = try DrawnScenes(folder).data(.detect).detection()
            var settings = DrawnScenes.detection(steps: 1)
            settings.architecture.scoreThreshold = 1
            let model = try DetectionTrainer(settings).model(on: DrawnScenes.backbone(), for: dataset)
            try DetectionInference().predict(model, dataset: dataset, to: folder + "/none.json")
            #expect(try text(of: folder + "/none.json") == "[]\n")
            #expect(throws: TrainingInterrupted.self) {
                try DetectionInference().predict(
                    model, dataset: dataset, to: folder + "/stopped.json", shouldStop: { true })
            }
            #expect(try Folder.entries(folder).filter { $0.hasPrefix("stopped") }.isEmpty)
        }
    }

    @Test("a model of other categories is refused")
    func otherCategories() throws {
        try withTemporaryFolder { folder in
            let dataset = try DrawnScenes(folder).data(.detect).detection()
            var architecture = DrawnScenes.detection(steps: 1).architecture
            architecture.classCount = 2
            architecture.categoryIDs = [7, 9]
            let model = try DetectionModel(
                backbone: DetectionBackbone(DrawnScenes.backbone()), architecture: architecture, seed: 0)
            #expect(throws: DataError.self) {
                try DetectionInference().predict(model, dataset: dataset, to: folder + "/x.json")
            }
        }
    }
}

private struct UnexpectedForm: Error {}
