import DenseMetrics
import Foundation
import ImageFiles
import JSONText
import Reporting
import SafeFiles
import TestSupport
import Testing

@testable import EvaluationHarness

/// Pictures drawn by `Tests/Fixtures/panoptic/generate.py`, with panopticapi's answers.
@Suite struct PanopticScoringTests {
    private struct Files {
        let folder: String
        var gt: PanopticScoring.Side { .init(file: folder + "/gt.json") }
        var dt: PanopticScoring.Side { .init(file: folder + "/dt.json") }
    }

    private func fixture() throws -> JSONValue {
        let root = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(3).joined(separator: "/")
        let path = "\(root)/Fixtures/panoptic/panoptic.json"
        return try JSONValue.parse(FileBytes.read(path, limit: 1 << 20), file: path)
    }

    private func picture(_ json: JSONValue, _ side: String) -> Picture {
        var pixels: [UInt8] = []
        for run in json[side]!.array! {
            let id = run.array![0].int!
            for _ in 0..<run.array![1].int! {
                pixels += [UInt8(id & 255), UInt8(id >> 8 & 255), UInt8(id >> 16 & 255)]
            }
        }
        return Picture(height: Int(json["height"]!.int!), width: Int(json["width"]!.int!), pixels: pixels)
    }

    /// Writes the fixture as users have it; `change` may replace a prediction's list of segments.
    private func write(
        _ json: JSONValue, to folder: String, change: (Int64, JSONValue) -> JSONValue = { $1 }
    ) throws -> Files {
        for (file, side) in [("gt", "truth"), ("dt", "predicted")] {
            try Folder.create("\(folder)/\(file)")
            var annotations: [JSONValue] = []
            for item in json["pictures"]!.array! {
                let id = item["image_id"]!.int!
                try AtomicFile.write(PNGFile.encode(picture(item, side)), to: "\(folder)/\(file)/\(id).png")
                let segments = item["\(side)_segments"]!
                annotations.append(
                    .object([
                        ("image_id", .int(id)), ("file_name", .string("\(id).png")),
                        ("segments_info", side == "truth" ? segments : change(id, segments)),
                    ]))
            }
            let document = JSONValue.object([("annotations", .array(annotations)), ("categories", json["categories"]!)])
            try AtomicFile.write(document.text(), to: "\(folder)/\(file).json")
        }
        return Files(folder: folder)
    }

    @Test func equalsPanopticAPI() throws {
        let json = try fixture()
        try withTemporaryFolder { folder in
            let files = try write(json, to: folder)
            let score = try PanopticScoring.run(gt: files.gt, dt: files.dt)
            let classes = score.evaluation.classCounts()
            for (found, expected) in zip(classes, json["classes"]!.array!) {
                #expect(found.iouSum == expected["iou"]!.double!, "class \(expected["id"]!.int!)")
                #expect(found.truePositives == expected["tp"]!.double!)
                #expect(found.falsePositives == expected["fp"]!.double!)
                #expect(found.falseNegatives == expected["fn"]!.double!)
            }
            for group in PanopticEvaluation.Group.allCases {
                let expected = json["means"]![group.rawValue]!
                let mean = try #require(score.evaluation.mean(group))
                #expect(mean.classCount == Int(expected["n"]!.int!))
                let quality = [mean.quality.pq, mean.quality.sq, mean.quality.rq]
                #expect(quality == ["pq", "sq", "rq"].map { expected[$0]!.double! }, "\(group)")
            }
            let codes = Set(score.warnings.map { String($0.prefix { $0 != ":" }) })
            #expect(codes == ["truth-area-differs", "truth-segment-unlisted"])
        }
    }

    @Test func mergedHalvesAndBootstrapDrawsCountAlike() throws {
        let json = try fixture()
        try withTemporaryFolder { folder in
            let files = try write(json, to: folder)
            let score = try PanopticScoring.run(gt: files.gt, dt: files.dt, bootstrap: Bootstrap(drawCount: 200))
            var twice = score.evaluation
            twice.merge(score.evaluation)
            let weighted = score.evaluation.classCounts(
                weights: [UInt64](repeating: 2, count: score.evaluation.imageIDs.count))
            for (a, b) in zip(twice.classCounts(), weighted) {
                #expect(abs(a.iouSum - b.iouSum) < 1e-12 && a.falsePositives == b.falsePositives)
            }
            let pq = score.metrics[0]
            #expect(pq.name == "PQ" && pq.standardError! > 0.01 && pq.interval!.contains(pq.value!))
        }
    }

    @Test func segmentsThatMapAndListDisagreeOnAreRefused() throws {
        let json = try fixture()
        let extra = JSONValue.object([("id", .int(99)), ("category_id", .int(3))])
        let changes: [(String, (JSONValue) -> JSONValue)] = [
            ("list alone", { .array($0.array! + [extra]) }), ("PNG alone", { .array(Array($0.array!.dropLast())) }),
            (
                "1234",
                { segments in
                    .array(segments.array!.map { .object([("id", $0["id"]!), ("category_id", .int(1234))]) })
                }
            ),
        ]
        for (words, change) in changes {
            try withTemporaryFolder { folder in
                let files = try write(json, to: folder) { $0 == 3 ? change($1) : $1 }
                let error = #expect(throws: DataError.self) { try PanopticScoring.run(gt: files.gt, dt: files.dt) }
                #expect(error?.kind == .malformed && error?.record == "annotation of image 3")
                #expect(error?.description.contains(words) == true, "\(error.map(String.init(describing:)) ?? "")")
            }
        }
    }

    @Test func aMissingPredictionIsRefused() throws {
        let json = try fixture()
        try withTemporaryFolder { folder in
            let files = try write(json, to: folder)
            try FileManager.default.removeItem(atPath: "\(folder)/dt/4.png")
            let error = #expect(throws: DataError.self) { try PanopticScoring.run(gt: files.gt, dt: files.dt) }
            #expect(error?.kind == .missing && error?.description.contains("4.png") == true)
        }
    }
}
