import DenseData
import Foundation
import SafeFiles
import Testing

@testable import EvaluationHarness

@Suite("Classification and neighbours") struct ClassificationTests {
    private static func settings(_ steps: Int) -> ClassificationSettings {
        var settings = ClassificationSettings()
        settings.architecture.size = 32
        settings.scale = 0.9...1
        settings.tuning.steps = steps
        settings.tuning.batchSize = 16
        settings.tuning.learningRate = 3e-3
        return settings
    }

    @Test("a classifier learns a handful of crops, the same at one and two threads")
    func overfits() throws {
        try withTemporaryFolder { folder in
            let dataset = try DrawnScenes(folder).data(.classify).classification()
            func predictions(_ threads: Int) throws -> [Int] {
                try DrawnScenes.onThreads(threads) {
                    let trainer = ClassificationTrainer(Self.settings(120))
                    let model = try trainer.model(on: DrawnScenes.backbone(), for: dataset)
                    try trainer.run(model, dataset: dataset)
                    return try ClassificationInference().predict(model, dataset: dataset)
                }
            }
            let found = try predictions(2)
            let correct = found.indices.count { found[$0] == dataset.label(at: $0) }
            #expect(Double(correct) > 0.8 * Double(dataset.count), "\(correct) of \(dataset.count)")
            #expect(found == (try predictions(1)))
        }
    }

    @Test(
        "with the split as its own bank the nearest neighbour is the picture itself",
        arguments: PictureFeature.allCases)
    func nearest(feature: PictureFeature) throws {
        try withTemporaryFolder { folder in
            let dataset = try DrawnScenes(folder).data(.knn).classification()
            let run = ClassProbeRun(
                candidates: [NeighbourClassProbe(neighbours: 1)], feature: feature, options: ProbeOptions(), side: 32,
                seed: 0, checkpointWords: "")
            let outcome = try run.predict(
                DrawnScenes.backbone(), train: dataset, dataset: dataset, onImage: { _ in }, shouldStop: { false })
            #expect(outcome.predictions == (0..<dataset.count).map(dataset.label))
            #expect(outcome.selection.trials.isEmpty)
        }
    }

    @Test("a data set of one class is refused before anything is learned")
    func oneClass() throws {
        try withTemporaryFolder { folder in
            let scenes = try DrawnScenes(folder)
            let classes = "\(scenes.folder)/classes/train"
            for name in try Folder.entries(classes).dropFirst() {
                try FileManager.default.removeItem(atPath: "\(classes)/\(name)")
            }
            let dataset = try scenes.data(.classify).classification()
            #expect(dataset.info.classes.count == 1)
            let trained = #expect(throws: DataError.self) {
                try ClassificationTrainer(Self.settings(1)).model(on: DrawnScenes.backbone(), for: dataset)
            }
            let run = ClassProbeRun(
                candidates: [NeighbourClassProbe(neighbours: 1)], feature: .classToken, options: ProbeOptions(),
                side: 32, seed: 0, checkpointWords: "")
            let probed = #expect(throws: DataError.self) {
                try run.predict(
                    DrawnScenes.backbone(), train: dataset, dataset: dataset, onImage: { _ in },
                    shouldStop: { false })
            }
            for error in [trained, probed] {
                #expect(error?.kind == .malformed && error?.expected == "at least two classes")
            }
        }
    }

    @Test("predicted classes read back from the file; missing, unknown and doubled pictures are refused")
    func files() throws {
        try withTemporaryFolder { folder in
            let dataset = try DrawnScenes(folder).data(.classify).classification()
            let right: [Int?] = (0..<dataset.count).map(dataset.label)
            let path = folder + "/p.tsv"
            try ClassPredictions.write(right, of: dataset, to: path)
            #expect(try ClassPredictions.scores(path, dataset, metric: "top1").metrics[0].value == 1)
            var one = right
            one[0] = nil
            try ClassPredictions.write(one, of: dataset, to: path)
            let value = try ClassPredictions.scores(path, dataset, metric: "top1").metrics[0].value
            #expect(value == Double(dataset.count - 1) / Double(dataset.count))
            let lines = try text(of: path).split(separator: "\n").map(String.init)
            for bad in [
                Array(lines.dropLast()), lines + [lines[0]], lines.dropLast() + ["unknown.jpg\tx"],
                lines.dropLast() + [dataset.name(at: dataset.count - 1) + "\tno such class"],
            ] {
                try write(bad.joined(separator: "\n") + "\n", to: path)
                #expect(throws: DataError.self) { try ClassPredictions.scores(path, dataset, metric: "top1") }
            }
        }
    }
}
