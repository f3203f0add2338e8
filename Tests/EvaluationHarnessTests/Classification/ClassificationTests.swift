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
            func predictions(_ threads: Int) throws -> [[Int]] {
                try DrawnScenes.onThreads(threads) {
                    let trainer = ClassificationTrainer(Self.settings(120))
                    let model = try trainer.model(on: DrawnScenes.backbone(), for: dataset)
                    try trainer.run(model, dataset: dataset)
                    return try ClassificationInference().predict(model, dataset: dataset)
                }
            }
            let found = try predictions(2)
            let correct = found.indices.count { found[$0].first == dataset.label(at: $0) }
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
            #expect(outcome.rankings.map(\.first) == (0..<dataset.count).map(dataset.label))
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
            let right = (0..<dataset.count).map { [dataset.label(at: $0)] }
            let path = folder + "/p.tsv"
            try ClassPredictions.write(right, of: dataset, to: path)
            #expect(try ClassPredictions.scores(path, dataset, metric: "top1").metrics[0].value == 1)
            var one = right
            one[0] = []
            try ClassPredictions.write(one, of: dataset, to: path)
            let value = try ClassPredictions.scores(path, dataset, metric: "top1").metrics[0].value
            #expect(value == Double(dataset.count - 1) / Double(dataset.count))
            // One class a picture says nothing of the runners-up.
            #expect(
                try ClassPredictions.scores(path, dataset, metric: "top1").metrics.dropFirst().allSatisfy {
                    $0.value == nil
                })
            let count = dataset.info.classes.count
            let second = right.map { [($0[0] + 1) % count, $0[0]] }
            try ClassPredictions.write(second, of: dataset, to: path)
            let scores = try ClassPredictions.scores(path, dataset, metric: "knn_top1").metrics
            #expect(scores.map(\.name) == (count > 5 ? ["knn_top1", "knn_top5"] : ["knn_top1"]))
            #expect(scores[0].value == 0 && (count <= 5 || scores[1].value == 1))
            try ClassPredictions.write(one, of: dataset, to: path)
            let lines = try text(of: path).split(separator: "\n").map(String.init)
            let (rest, last) = (Array(lines.dropLast()), dataset.count - 1)
            let twice: String = lines[last] + "\t" + dataset.info.classes[dataset.label(at: last)]
            let files: [[String]] = [
                rest, lines + [lines[0]], rest + ["unknown.jpg\tx"],
                rest + [dataset.name(at: last) + "\tno such class"],
                rest + [twice],
            ]
            for bad in files {
                try write(bad.joined(separator: "\n") + "\n", to: path)
                #expect(throws: DataError.self) { try ClassPredictions.scores(path, dataset, metric: "top1") }
            }
        }
    }
}
