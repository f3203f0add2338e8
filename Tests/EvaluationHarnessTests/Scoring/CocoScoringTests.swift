import DenseMetrics
import JSONText
import SafeFiles
import Testing

@testable import EvaluationHarness

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

@Suite struct CocoScoringTests {
    private static let truth = """
        {"images":[{"id":1,"height":50,"width":50},{"id":2,"height":50,"width":50}],
         "categories":[{"id":1,"name":"cat"},{"id":4,"name":"dog"}],
         "annotations":[{"id":0,"image_id":1,"category_id":1,"bbox":[1,1,20,20],"area":400,"iscrowd":0},
                        {"id":1,"image_id":2,"category_id":1,"bbox":[1,1,20,20],"area":400,"iscrowd":0}]}
        """
    private static let results = """
        [{"image_id":1,"category_id":1,"bbox":[1,1,20,20],"score":0.9},
         {"image_id":2,"category_id":1,"bbox":[1,1,20,20],"score":0.8}]
        """

    /// Lends two files with the given texts.
    private func withFiles<Result>(_ gt: String, _ dt: String, _ body: (String, String) throws -> Result) throws
        -> Result
    {
        var template = Array("/tmp/coco-scoring-XXXXXX".utf8CString)
        let folder = template.withUnsafeMutableBufferPointer { String(cString: mkdtemp($0.baseAddress!)) }
        let paths = ["\(folder)/gt.json", "\(folder)/dt.json"]
        defer {
            for path in paths { unlink(path) }
            rmdir(folder)
        }
        for (path, text) in zip(paths, [gt, dt]) {
            let file = fopen(path, "wb")
            fputs(text, file)
            fclose(file)
        }
        return try body(paths[0], paths[1])
    }

    private func refusal(_ gt: String, _ dt: String, _ overlap: CocoOverlap = .box) throws -> DataError? {
        try withFiles(gt, dt) { gt, dt in
            do {
                _ = try CocoScoring.run(gt: gt, dt: dt, iouType: overlap)
                return nil
            } catch { return error as? DataError }
        }
    }

    @Test func documentHoldsTheContract() throws {
        var options = CocoScoring.Options()
        options.perClass = true
        let score = try withFiles(Self.truth, Self.results) {
            try CocoScoring.run(gt: $0, dt: $1, iouType: .box, options: options)
        }
        let json = try JSONValue.parse(score.jsonText, file: "stdout")
        #expect(json["schema_version"]?.int == 1 && json["iou_type"]?.string == "bbox")
        let stats = try #require(json["stats"]?.array).map { $0.double }
        #expect(stats.count == 12 && stats[3] != -1 && stats[5] == -1)
        // pycocotools' own answer for a truth of id 0.
        #expect(abs((stats[0] ?? 0) - 0.252475247524752) < 1e-12)
        #expect(json["metrics"]?[0]?["name"]?.string == "AP" && json["metrics"]?[5]?["value"]?.isNull == true)
        #expect(json["warnings"]?[0]?.string?.hasPrefix("truth-id-0") == true)
        #expect(json["per_class"]?[0]?["name"]?.string == "cat" && json["per_class"]?[1]?["AP"]?.isNull == true)
        #expect(score.lines.count == 14)
    }

    @Test func refusalsNameTheFile() throws {
        #expect(
            try refusal(Self.truth, "[{\"image_id\":9,\"category_id\":1,\"bbox\":[1,1,2,2],\"score\":1}]")?.record
                == "[0]")
        let cut = try refusal(String(Self.truth.prefix(90)), Self.results)
        #expect(cut?.kind == .malformed && cut?.file.hasSuffix("gt.json") == true)
        let nan = try refusal(Self.truth, "[{\"image_id\":1,\"category_id\":1,\"bbox\":[1,1,2,2],\"score\":NaN}]")
        #expect(nan?.kind == .malformed && nan?.file.hasSuffix("dt.json") == true)
        #expect(try refusal(Self.truth, Self.results, .mask)?.record == "annotations[0] (id 0), \"segmentation\"")
        let missing = #expect(throws: DataError.self) {
            try CocoScoring.run(gt: "/nowhere", dt: "/nowhere", iouType: .box)
        }
        #expect(missing?.kind == .missing)
    }

    @Test func emptyResultsAreZeros() throws {
        let score = try withFiles(Self.truth, "[]") { try CocoScoring.run(gt: $0, dt: $1, iouType: .box) }
        #expect(score.summary.stats[0] == 0 && score.warnings.contains { $0.hasPrefix("no-results") })
    }

    @Test func tooFewLimitsAreRefused() throws {
        var options = CocoScoring.Options()
        options.maxDetections = [100]
        let error = #expect(throws: DataError.self) {
            try CocoScoring.run(gt: "/nowhere", dt: "/nowhere", iouType: .box, options: options)
        }
        #expect(error?.kind == .configuration)
    }
}
