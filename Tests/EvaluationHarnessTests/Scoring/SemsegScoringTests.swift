import DenseMetrics
import Foundation
import ImageFiles
import JSONText
import SafeFiles
import Testing

@testable import EvaluationHarness

/// A pair of folders that vanish with the test.
private final class Folders {
    let root: String
    var labels: String { root + "/gt" }
    var predictions: String { root + "/pred" }

    init() throws {
        root = NSTemporaryDirectory() + "semseg-" + UUID().uuidString
        for folder in [labels, predictions] {
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        }
    }

    deinit { try? FileManager.default.removeItem(atPath: root) }

    func write(_ folder: String, _ name: String, _ rows: [[UInt16]]) throws {
        let image = LabelImage(height: rows.count, width: rows[0].count, values: rows.flatMap { $0 })
        try AtomicFile.write(PNGFile.encode(image), to: "\(folder)/\(name)", durability: .renamed)
    }

    func failure(_ dataset: SemsegScoring.Dataset = .ade20k) -> DataError? {
        do {
            _ = try SemsegScoring.run(labels: labels, predictions: predictions, dataset: dataset)
            return nil
        } catch {
            return error
        }
    }
}

@Suite struct SemsegScoringTests {
    @Test func scoresPairsOfFiles() throws {
        let folders = try Folders()
        try folders.write(folders.labels, "b.png", [[1, 1], [0, 2]])
        try folders.write(folders.predictions, "b.png", [[1, 2], [7, 2]])
        try folders.write(folders.labels, "a.png", [[3], [3]])
        try folders.write(folders.predictions, "a.png", [[3], [3]])
        let score = try SemsegScoring.run(
            labels: folders.labels, predictions: folders.predictions + "/", dataset: .ade20k)
        #expect(score.evaluation.images == ["a.png", "b.png"])
        let values = Dictionary(uniqueKeysWithValues: score.metrics.map { ($0.name, $0.value!) })
        #expect(abs(values["mIoU"]! - (0.5 + 0.5 + 1) / 3) < 1e-15)
        #expect(values["aAcc"]! == 4.0 / 5)
        let metrics = try #require(score.json["metrics"]?.array)
        #expect(
            metrics.map { $0["name"]!.string! } == [
                "mIoU", "mIoU_official150", "mIoU_gtclasses", "mIoU_pairs", "mIoU_images", "fwIoU", "aAcc", "mAcc",
                "mDice",
            ])
        #expect(score.json["class_table"]?.array?.count == 150)
    }

    @Test func everythingAskedForIsThere() throws {
        let folders = try Folders()
        let other = folders.root + "/other"
        try FileManager.default.createDirectory(atPath: other, withIntermediateDirectories: true)
        // Three classes in plain coding; the second folder of predictions is right everywhere.
        let truth: [String: [[UInt16]]] = ["a.png": [[0, 0, 1]], "b.png": [[2, 2, 255]], "c.png": [[1, 1, 1]]]
        let found: [String: [[UInt16]]] = ["a.png": [[0, 1, 1]], "b.png": [[0, 0, 0]], "c.png": [[1, 1, 1]]]
        for (name, rows) in truth { try folders.write(folders.labels, name, rows) }
        for (name, rows) in found { try folders.write(folders.predictions, name, rows) }
        for (name, rows) in truth { try folders.write(other, name, rows) }
        try AtomicFile.write("road\nsky, night\ntree\n", to: folders.root + "/names.txt")
        var options = SemsegScoring.Options()
        options.namesFile = folders.root + "/names.txt"
        options.countsConfusion = true
        options.minus = other
        options.worstCount = 2
        let dataset = try SemsegScoring.dataset(classCount: 3, ignoreLabel: 255, reducesZeroLabel: false)
        let score = try SemsegScoring.run(
            labels: folders.labels, predictions: folders.predictions, dataset: dataset, options: options)
        #expect(score.confusion == [1, 1, 0, 0, 4, 0, 2, 0, 0])
        #expect(score.worstImages.map(\.name) == ["b.png", "a.png"])
        #expect(score.worstImages.map(\.mIoU) == [0, 0.5])
        let comparison = try #require(score.comparison)
        #expect(comparison.metrics.first?.value == 1)
        // IoU 1/4, 4/5 and 0.
        #expect(abs(comparison.differences[0]!.difference - (0.35 - 1)) < 1e-15)
        #expect(score.json["confusion"]?[2]?[0]?.int == 2)
        #expect(score.json["comparison"]?["metrics"]?.array?.count == SegmentationMetric.allCases.count)
        let written = try score.write(folder: folders.root + "/out")
        #expect(
            written.map { Folder.name(of: $0) } == [
                "score.json", "summary.txt", "per_class.csv", "per_image.csv", "confusion.csv",
            ])
        let text = { try String(contentsOfFile: folders.root + "/out/" + $0, encoding: .utf8) }
        #expect(try JSONValue.parse(text("score.json"), file: "score.json") == score.json)
        #expect(
            try text("per_image.csv").hasPrefix("image,mIoU,aAcc,labelled_pixels\na.png,0.5,0.6666666666666666,3\n"))
        #expect(try text("confusion.csv").contains("\n\"sky, night\",0,4,0\n"))
        try AtomicFile.write("road\nsky\n", to: folders.root + "/names.txt")
        #expect(throws: DataError.self) {
            try SemsegScoring.run(
                labels: folders.labels, predictions: folders.predictions, dataset: dataset, options: options)
        }
    }

    @Test func refusesEveryIncompleteOrForeignInput() throws {
        let folders = try Folders()
        #expect(folders.failure()?.kind == .missing, "empty folders")
        try folders.write(folders.labels, "a.png", [[1, 2]])
        #expect(folders.failure()?.kind == .missing, "no predictions at all")
        try folders.write(folders.predictions, "a.png", [[1, 2]])
        #expect(folders.failure() == nil)

        try folders.write(folders.labels, "b.png", [[1, 2]])
        let missing = try #require(folders.failure())
        #expect(missing.kind == .missing && missing.file.hasSuffix("pred/b.png"))

        try folders.write(folders.predictions, "b.png", [[1], [2]])
        #expect(folders.failure()?.found == "2 rows of 1")
        try folders.write(folders.predictions, "b.png", [[1, 151]])
        #expect(folders.failure()?.found == "value 151")
        try folders.write(folders.predictions, "b.png", [[1, 2]])
        try folders.write(folders.predictions, "c.png", [[1, 2]])
        let extra = try #require(folders.failure())
        #expect(extra.kind == .malformed && extra.file.hasSuffix("pred/c.png"))

        try folders.write(folders.labels, "c.png", [[1, 2]])
        let colours = Picture(height: 1, width: 2)
        try AtomicFile.write(PNGFile.encode(colours), to: folders.labels + "/c.png", durability: .renamed)
        #expect(folders.failure()?.kind == .malformed, "an RGB label")
        try AtomicFile.write([0x89, 0x50, 0x4E, 0x47], to: folders.labels + "/c.png", durability: .renamed)
        #expect(folders.failure()?.kind == .malformed, "a cut PNG")
    }

    @Test func anIgnoreLabelInsideTheClassRangeIsNoDataset() {
        #expect(throws: LabelCodingError.self) {
            try SemsegScoring.dataset(classCount: 19, ignoreLabel: 5, reducesZeroLabel: false)
        }
    }

    /// The official sample of CSAILVision/sceneparsing: perfect predictions, and the same rolled 8 px to the right.
    @Test func officialSampleGivesThePublishedNumbers() throws {
        let sample = "../shared/data/seg/ade20k-sceneparsing"
        guard FileManager.default.fileExists(atPath: sample) else {
            print("skipped: no ../shared/data")
            return
        }
        let truth = sample + "/annotations/validation"
        func values(_ predictions: String) throws -> [String: Double] {
            let score = try SemsegScoring.run(labels: truth, predictions: predictions, dataset: .ade20k)
            return Dictionary(uniqueKeysWithValues: score.metrics.map { ($0.name, $0.value!) })
        }
        let perfect = try values(sample + "/predictions")
        // 15 of 150 classes occur.
        #expect(abs(perfect["mIoU_official150"]! - 0.1) < 1e-12 && perfect["mIoU"] == 1 && perfect["aAcc"] == 1)

        let folders = try Folders()
        for name in try Folder.entries(truth) {
            let label = try PictureFile.loadLabels("\(truth)/\(name)")
            var rolled = label
            for y in 0..<label.height {
                for x in 0..<label.width {
                    rolled.values[y * label.width + (x + 8) % label.width] = label.values[y * label.width + x]
                }
            }
            try AtomicFile.write(PNGFile.encode(rolled), to: "\(folders.predictions)/\(name)", durability: .renamed)
        }
        let shifted = try values(folders.predictions)
        for (name, expected) in [
            ("mIoU_official150", 0.06858), ("mIoU", 0.68579), ("mIoU_images", 0.73073), ("aAcc", 0.93832),
        ] {
            #expect(abs(shifted[name]! - expected) <= 5e-6, "\(name): \(shifted[name]!), published \(expected)")
        }
    }
}
