import Annotations
import DenseData
import Determinism
import Foundation
import Geometry
import ImageFiles
import JSONText
import SafeFiles
import Testing

@testable import EvaluationHarness

@Suite("Pages of predictions", .serialized) struct PredictionInspectionTests {
    private func session() throws -> CommandSession {
        var options = CommandSession.Options()
        options.isQuiet = true
        return try CommandSession(options, interrupt: Interrupt())
    }

    /// Drawn scenes with made-up predictions: truth moved, mixed up, left out and invented.
    private struct Predicted {
        let scenes: DrawnScenes
        let results: String
        let maps: String

        init(_ folder: String, isPerfect: Bool = false) throws {
            scenes = try DrawnScenes(folder, val: 9)
            results = folder + "/results.json"
            maps = folder + "/maps"
            var stream = RandomStream(seed: 3, purpose: "prediction page test")
            let dataset = try scenes.data(.detect, split: "val").detection()
            var found: [DetectionResult] = []
            for index in 0..<dataset.count {
                let size = dataset.size(at: index)
                for object in dataset.objects(at: index) where !object.isCrowd {
                    if !isPerfect && stream.chance(0.2) { continue }
                    let label =
                        !isPerfect && stream.chance(0.2)
                        ? (object.label + 1) % dataset.categoryIDs.count : object.label
                    var result = DetectionResult(
                        imageID: dataset.imageID(at: index), categoryID: dataset.categoryIDs[label],
                        score: isPerfect ? 1 : stream.uniform(0.3...1))
                    var box = object.box.cocoBox
                    if !isPerfect { box.x += stream.uniform(-3...3) }
                    result.box = box
                    result.segmentation = try object.segmentation.map { .rle(try $0.mask(size: size)) }
                    found.append(result)
                }
                if !isPerfect {
                    var result = DetectionResult(
                        imageID: dataset.imageID(at: index), categoryID: dataset.categoryIDs[0], score: stream.uniform()
                    )
                    result.box = CocoBox(x: 2, y: 3, width: 9, height: 9)
                    found.append(result)
                }
            }
            var text = ""
            CocoResults.write(found) { text += $0 }
            try write(text, to: results)
            let maps = try scenes.data(.segment, split: "val").segmentation()
            try FileManager.default.createDirectory(atPath: self.maps, withIntermediateDirectories: true)
            for index in 0..<maps.count {
                var map = try PictureFile.loadLabels(maps.labelPath(at: index))
                let values = Set(map.values.filter { $0 > 0 }).sorted()
                if !isPerfect, values.count > 1 {
                    for pixel in map.values.indices where pixel % 64 < 20 {
                        map.values[pixel] = values[index % values.count]
                    }
                }
                try Data(PNGFile.encode(map)).write(
                    to: URL(
                        fileURLWithPath: "\(self.maps)/\(SegmentationInference.fileName(maps.name(at: index)))"))
            }
        }

        func inspection(_ task: EvaluationTask, to out: String) -> PredictionInspection {
            var inspection = PredictionInspection(
                subject: .predictions(task == .detect ? results : maps, task: task), out: out)
            inspection.data = scenes.folder
            inspection.bootstrapDraws = 100
            return inspection
        }
    }

    /// Every file below a folder, by name.
    private func contents(_ folder: String) throws -> [String: Data] {
        var result: [String: Data] = [:]
        let names = try #require(FileManager.default.enumerator(atPath: folder)).compactMap { $0 as? String }
        for name in names {
            var isFolder: ObjCBool = false
            _ = FileManager.default.fileExists(atPath: "\(folder)/\(name)", isDirectory: &isFolder)
            if !isFolder.boolValue { result[name] = try Data(contentsOf: URL(fileURLWithPath: "\(folder)/\(name)")) }
        }
        return result
    }

    @Test(arguments: [EvaluationTask.detect, .segment])
    func theSameBytesAtOneThreadAndTwo(_ task: EvaluationTask) throws {
        try withTemporaryFolder { folder in
            let predicted = try Predicted(folder)
            let before = Parallel.threadCount
            defer { Parallel.setThreadCount(before) }
            var pages: [[String: Data]] = []
            for threads in [1, 2] {
                Parallel.setThreadCount(threads)
                let out = "\(folder)/page\(threads)"
                let document = try predicted.inspection(task, to: out).run(session())
                let files = try contents(out)
                #expect(Set(files.keys) == Set(document["files"]!.array!.compactMap(\.string)))
                pages.append(files)
            }
            #expect(pages[0] == pages[1])
            let page = String(decoding: try #require(pages[0]["index.html"]), as: UTF8.self)
            #expect(page.utf8.count < 3_000_000 && page.contains("<svg") && page.contains("data:image/jpeg;base64,"))
            #expect(!page.contains("src=\"http") && !page.contains("href="))
            let charts = pages[0].keys.filter { $0.hasSuffix(".svg") }
            #expect(charts.count >= 2 && charts.allSatisfy { pages[0][$0.replacing(".svg", with: ".csv")] != nil })
            // Nine scenes: the worst eight, and of the best four the one that is left.
            let pictures = pages[0].keys.filter { $0.hasSuffix(".png") }.sorted()
            #expect(pictures.count == 9 && pictures[0].hasPrefix("pictures/best-01"))
        }
    }

    /// The figures are those of `dmt score`, and a perfect detector has no error on any picture.
    @Test func figuresOfPerfectPredictions() throws {
        try withTemporaryFolder { folder in
            let predicted = try Predicted(folder, isPerfect: true)
            let document = try predicted.inspection(.detect, to: folder + "/page").run(session())
            let figures = try #require(document["figures"])
            #expect(figures["AP"]?.double == 1 && figures["best_f1"]?.double == 1 && figures["ECE"]?.double == 0)
            let rows = try text(of: folder + "/page/images.csv").split(whereSeparator: \.isNewline).dropFirst()
            #expect(rows.count == 9 && rows.allSatisfy { $0.hasSuffix(",0,0") })
            let picture = try PictureFile.load(
                folder + "/page/pictures/"
                    + #require(
                        FileManager.default.contentsOfDirectory(atPath: folder + "/page/pictures").sorted().first))
            #expect(has(Palette.right, picture) && !has(Palette.wrong, picture) && !has(Palette.missed, picture))
            let maps = try predicted.inspection(.segment, to: folder + "/maps-page").run(session())
            #expect(maps["figures"]?["mIoU"]?.double == 1)
        }
    }

    @Test func figuresAreThoseOfScoring() throws {
        try withTemporaryFolder { folder in
            let predicted = try Predicted(folder)
            let gt = try predicted.scenes.data(.detect, split: "val").detection().annotationFile
            for overlap in [PredictionInspection.Overlap.box, .mask] {
                var inspection = predicted.inspection(.detect, to: "\(folder)/\(overlap.rawValue)")
                inspection.overlap = overlap
                inspection.iou = 0.75
                let figures = try #require(try inspection.run(session())["figures"])
                let score = try CocoScoring.run(gt: gt, dt: predicted.results, iouType: overlap)
                #expect(figures["AP"]?.double == score.summary.stats[0])
                #expect(figures["AP_at_iou"]?.double == score.summary.stats[2])
                #expect(score.summary.stats[2] > 0 && score.summary.stats[2] < 1)
            }
            // A picture shows all three kinds of outcome somewhere.
            let names = try FileManager.default.contentsOfDirectory(atPath: folder + "/bbox/pictures")
            let pictures = try names.map { try PictureFile.load("\(folder)/bbox/pictures/\($0)") }
            for colour in [Palette.right, Palette.wrong, Palette.missed] {
                #expect(pictures.contains { has(colour, $0) })
            }
        }
    }

    private func has(_ colour: RGB, _ picture: Picture) -> Bool {
        (0..<picture.height * picture.width).contains {
            (picture.pixels[3 * $0], picture.pixels[3 * $0 + 1], picture.pixels[3 * $0 + 2]) == colour
        }
    }

    @Test func cocoFilesNeedNoDataSet() throws {
        try withTemporaryFolder { folder in
            let predicted = try Predicted(folder)
            let source = try predicted.scenes.data(.detect, split: "val")
            let gt = try source.detection().annotationFile
            let images = Folder.parent(of: try source.detection().files()[1])
            let inspection = PredictionInspection(
                subject: .coco(truth: gt, results: predicted.results, images: images), out: folder + "/page")
            let found = try inspection.run(session())["figures"]?["AP"]?.double
            let expected = try predicted.inspection(.detect, to: folder + "/other").run(session())
            #expect(found != nil && found == expected["figures"]?["AP"]?.double)
        }
    }

    @Test func whatDoesNotBelongIsRefused() throws {
        try withTemporaryFolder { folder in
            let predicted = try Predicted(folder)
            func failure(_ inspection: PredictionInspection) throws -> DataError? {
                do {
                    _ = try inspection.run(session())
                    return nil
                } catch let error as DataError { return error }
            }
            try write("x", to: folder + "/full/file")
            #expect(try failure(predicted.inspection(.detect, to: folder + "/full"))?.kind == .cannotWrite)
            let none = PredictionInspection(subject: .run(folder + "/none"), out: folder + "/a")
            #expect(try failure(none)?.kind == .missing)
            try write("{\"step\": 1}\nno json\n", to: folder + "/run/metrics.jsonl")
            let torn = PredictionInspection(subject: .run(folder + "/run"), out: folder + "/b")
            #expect(try #require(try failure(torn)).record == "line 2")
            try write(
                "[{\"image_id\": 99999, \"category_id\": 1, \"score\": 1, \"bbox\": [0, 0, 1, 1]}]",
                to: folder + "/far.json")
            var strange = predicted.inspection(.detect, to: folder + "/c")
            strange.subject = .predictions(folder + "/far.json", task: .detect)
            #expect(try failure(strange)?.kind == .malformed)
            #expect(!FileManager.default.fileExists(atPath: folder + "/c"))
        }
    }

    @Test func trainingLogsBecomeCurves() throws {
        try withTemporaryFolder { folder in
            var log = ""
            for step in 1...5 { log += "{\"step\": \(step), \"loss\": \(6 - step), \"rate\": 0.5}\n" }
            log += "{\"step\": 5, \"validation/mIoU\": 0.25}\n{\"step\": 6, \"lo"
            try write(log, to: folder + "/run/metrics.jsonl")
            let inspection = PredictionInspection(subject: .run(folder + "/run"), out: folder + "/page")
            _ = try inspection.run(session())
            let loss = try text(of: folder + "/page/plots/training_loss.csv")
            #expect(loss == "series,step,loss\nloss,1,5\nloss,2,4\nloss,3,3\nloss,4,2\nloss,5,1\n")
            #expect(try text(of: folder + "/page/plots/training_validation.csv").contains("validation/mIoU,5,0.25"))
            #expect(FileManager.default.fileExists(atPath: folder + "/page/plots/training_rate.svg"))
        }
    }
}
