import Annotations
import DenseMetrics
import Foundation
import Geometry
import JSONText
import Reporting
import SafeFiles
import Testing

@testable import EvaluationHarness

@Suite struct CocoAnalysesTests {
    /// Drawn by `Tests/Fixtures/coco/make_tide_fixtures.py`, with tidecv's answers in percent.
    @Test func tideEqualsTidecv() throws {
        for item in try CocoFixture.cases("tide.json") {
            let report = try TideAnalysis.run(
                truth: item.truth, results: DetectionTable(item.results), overlap: item.settings.overlap)
            #expect(abs(100 * report.averagePrecision - item.json["ap"]!.double!) < 1e-9, "\(item.name)")
            for kind in TideError.allCases {
                #expect(report.counts[kind] == Int(item.json["counts"]![kind.rawValue]!.int!), "\(item.name) \(kind)")
                let expected = item.json["main"]![kind.rawValue]!.double!
                #expect(abs(100 * report.gains[kind]! - expected) < 1e-9, "\(item.name) \(kind)")
            }
            let special = item.json["special"]!
            #expect(abs(100 * report.falsePositiveGain - special["FalsePos"]!.double!) < 1e-9, "\(item.name)")
            #expect(abs(100 * report.falseNegativeGain - special["FalseNeg"]!.double!) < 1e-9, "\(item.name)")
        }
    }

    @Test func tideAnswersWithoutDetectionsAndWithoutObjects() throws {
        let item = try CocoFixture.cases("tide.json")[0]
        let missed = try TideAnalysis.run(truth: item.truth, results: DetectionTable(), overlap: .box)
        #expect(missed.averagePrecision == 0 && missed.gains[.missed] == 0 && missed.counts[.missed]! > 20)
        var empty = item.truth
        empty.annotations = []
        let invented = try TideAnalysis.run(truth: empty, results: DetectionTable(item.results), overlap: .box)
        #expect(invented.averagePrecision == 0 && invented.counts[.background]! == item.results.count)
    }

    private func box(_ x: Double, _ size: Double = 10) -> CocoBox { CocoBox(x: x, y: 0, width: size, height: size) }

    /// Two classes; each entry is where an object lies and what class it has.
    @Test func confusionTellsRightFromMixedUpFromMissed() throws {
        let size = ImageSize(height: 99, width: 999)
        func object(_ id: Int64, _ x: Double, _ category: Int64, isCrowd: Bool = false) -> CocoAnnotation {
            CocoAnnotation(
                id: id, imageID: 1, categoryID: category, box: box(x), area: 100, isCrowd: isCrowd)
        }
        func found(_ x: Double, _ category: Int64, _ score: Double) -> DetectionResult {
            DetectionResult(imageID: 1, categoryID: category, score: score, box: box(x))
        }
        let truth = CocoDataset(
            images: [CocoImage(id: 1, fileName: "", size: size)],
            categories: [CocoCategory(id: 4, name: "cat"), CocoCategory(id: 7, name: "dog")],
            annotations: [object(1, 0, 4), object(2, 100, 4), object(3, 200, 7), object(4, 300, 7, isCrowd: true)])
        let results = [
            found(1, 4, 0.9),  // right
            found(0, 4, 0.8),  // the same object again: nothing is left there
            found(101, 7, 0.7),  // cat taken for dog
            found(500, 7, 0.6),  // nothing there
            found(301, 7, 0.5),  // on a crowd of its class
            found(302, 4, 0.4),  // on a crowd of another class
            found(200, 7, 0.1),  // below the score
        ]
        let confusion = try CocoConfusion(
            truth: truth, results: DetectionTable(results), settings: CocoSettings(.box))
        #expect(confusion.categoryIDs == [4, 7])
        #expect(confusion.counts == [1, 1, 0, 0, 0, 1, 2, 1, 0])
        let names: [Int64: String] = [4: "cat", 7: "dog"]
        #expect(confusion.csv(names) == "truth,cat,dog,not found\ncat,1,1,0\ndog,0,0,1\nnothing,2,1,0\n")
        #expect(confusion.lines(names).last == "   cat taken for dog: 1")
    }

    /// Files of a fixture case, as the command line reads them.
    private func files(_ item: CocoFixture.Case, _ folder: String) throws -> (gt: String, dt: String) {
        try write(item.json["truth"]!.text(), to: folder + "/gt.json")
        try write(item.json["results"]!.text(), to: folder + "/dt.json")
        return (folder + "/gt.json", folder + "/dt.json")
    }

    @Test func everythingIsWrittenToTheFolder() throws {
        let item = try CocoFixture.cases("tide.json")[0]
        try withTemporaryFolder { folder in
            let (gt, dt) = try files(item, folder)
            var options = CocoScoring.Options()
            options.perClass = true
            options.confusion = true
            options.prCurves = true
            options.tide = true
            let score = try CocoScoring.run(gt: gt, dt: dt, iouType: .box, options: options)
            let written = try score.write(folder: folder + "/out", curves: folder + "/curves.json")
            #expect(
                written.map { ($0 as NSString).lastPathComponent } == [
                    "curves.json", "score.json", "summary.txt", "per_class.csv", "pr_curves.json", "confusion.csv",
                ])
            let json = try JSONValue.parse(FileBytes.read(written[1], limit: 1 << 24), file: "score.json")
            #expect(json["stats"]!.array!.map { $0.double! } == score.summary.stats)
            // AP is the mean of the classes' own, and each of those the mean of its curves.
            let perClass = json["per_class"]!.array!.compactMap { $0["AP"]!.double }
            #expect(abs(perClass.reduce(0, +) / Double(perClass.count) - score.summary.stats[0]) < 1e-12)
            let curves = try JSONValue.parse(FileBytes.read(written[0], limit: 1 << 24), file: "curves.json")
            let values = curves["classes"]!.array![0]["precision"]!.array!.flatMap { $0.array!.map { $0.double! } }
            #expect(abs(values.reduce(0, +) / Double(values.count) - perClass[0]) < 1e-12)
        }
    }

    @Test func aSecondFileIsComparedOnTheSameDraws() throws {
        let item = try CocoFixture.cases("tide.json")[0]
        try withTemporaryFolder { folder in
            let (gt, dt) = try files(item, folder)
            let few = Array(item.json["results"]!.array!.prefix(2))
            try write(JSONValue.array(few).text(), to: folder + "/worse.json")
            var options = CocoScoring.Options()
            options.bootstrapDraws = 200
            options.other = folder + "/worse.json"
            let comparison = try #require(
                try CocoScoring.run(gt: gt, dt: dt, iouType: .box, options: options).comparison)
            let ap = try #require(comparison.differences.first { $0.name == "AP" }?.difference)
            #expect(ap.difference > 0 && ap.isEvident && ap.interval.contains(ap.difference))
            options.other = dt
            let same = try #require(try CocoScoring.run(gt: gt, dt: dt, iouType: .box, options: options).comparison)
            #expect(same.differences.allSatisfy { $0.difference.difference == 0 && !$0.difference.isEvident })
        }
    }
}
