import Annotations
import DenseMetrics
import Geometry
import JSONText
import Foundation
import Testing

/// Answers of pycocotools 2.0.11 (boundaries: boundary-iou-api; LVIS: lvis-api), to the last bit: the summary numbers and, by hash, the whole arrays.
@Suite struct CocoReferenceTests {
    /// A file of further cases, made by `make_adversarial_fixtures.py`, if the environment names one.
    static let moreCases = ProcessInfo.processInfo.environment["DMT_COCO_CASES"].map { [$0] } ?? []

    @Test(
        arguments: [
            "coco-bbox.json", "coco-segm.json", "coco-keypoints.json", "coco-boundary.json", "lvis.json",
            "coco-adversarial.json",
        ] + CocoReferenceTests.moreCases)
    func drawnCasesEqualTheReference(_ file: String) throws {
        for item in try CocoFixture.cases(file) {
            let curves = try CocoFixture.curves(item)
            let expected = item.json["stats"]!.array!.map { $0.double! }
            let stats = CocoEvaluation.summarize(curves).stats
            #expect(stats.map(\.bitPattern) == expected.map(\.bitPattern), "\(file) \(item.name): \(stats) \(expected)")
            let rows = curves.settings.recallThresholds.count
            for (key, values, rows) in [
                ("precision", curves.precision, rows), ("scores", curves.scores, rows), ("recall", curves.recall, 1),
            ] {
                // lvis-api keeps no scores.
                guard let expected = item.json["\(key)_sha256"]?.string else { continue }
                let digest = CocoFixture.digest(values, curves, rows: rows)
                #expect(digest == expected, "\(file) \(item.name): \(key)")
            }
        }
    }

    /// The counting that a bootstrap repeats gives the summary's numbers where every image counts once.
    @Test(arguments: ["coco-bbox.json", "coco-segm.json", "coco-keypoints.json", "coco-boundary.json", "lvis.json"])
    func resamplingOnceEqualsTheSummary(_ file: String) throws {
        for item in try CocoFixture.cases(file) {
            let matches = try CocoEvaluation.match(truth: item.truth, results: item.results, settings: item.settings)
            let summary = CocoEvaluation.summarize(CocoEvaluation.accumulate(matches))
            let resampling = CocoResampling(matches)
            let values = resampling.values(weights: [UInt32](repeating: 1, count: resampling.imageIDs.count))
            for (metric, value) in zip(summary.metrics, values) {
                #expect(abs((metric.value ?? -1) - (value ?? -1)) < 1e-12, "\(file) \(item.name): \(metric.name)")
            }
        }
    }

    /// Images scored in two parts, then put together, give the same arrays as scored at once.
    @Test(arguments: ["coco-bbox.json", "coco-segm.json", "coco-keypoints.json", "lvis.json", "coco-adversarial.json"])
    func partsPutTogetherEqualTheWhole(_ file: String) throws {
        var merged = 0
        for item in try CocoFixture.cases(file) {
            // A repeated id would stand for another record in a part.
            if Set(item.truth.annotations.map(\.id)).count < item.truth.annotations.count { continue }
            let parts = try [0, 1].map { part in
                var truth = item.truth
                let ids = Set(truth.images.map(\.id)).sorted()
                let images = Set(ids.enumerated().filter { $0.offset % 2 == part }.map(\.1))
                truth.images.removeAll { !images.contains($0.id) }
                truth.annotations.removeAll { !images.contains($0.imageID) }
                return try CocoEvaluation.match(
                    truth: truth, results: item.results.filter { images.contains($0.imageID) }, settings: item.settings)
            }
            let whole = try CocoFixture.curves(item)
            let curves = CocoEvaluation.accumulate(CocoMatches.merged(parts.reversed()))
            #expect(curves.precision == whole.precision && curves.recall == whole.recall, "\(file) \(item.name)")
            #expect(curves.scores == whole.scores, "\(file) \(item.name)")
            merged += 1
        }
        #expect(merged > 0)
    }

    @Test func polygonsEqualTheReference() throws {
        for (index, item) in try CocoFixture.json("coco-polygons.json").enumerated() {
            let size = ImageSize(height: Int(item["height"]!.int!), width: Int(item["width"]!.int!))
            let mask = RLEMask(polygon: item["polygon"]!.array!.map { $0.double! }, size: size)
            #expect(mask.cocoString == item["counts"]!.string!, "polygon \(index)")
            #expect(mask.area == Int(item["area"]!.int!))
            let box = mask.cocoBox
            #expect(
                [box.x, box.y, box.width, box.height] == item["bbox"]!.array!.map { $0.double! }, "polygon \(index)")
        }
    }

    private static let fake100 = (
        box: [
            0.5045806987249628, 0.6969727247299577, 0.5729816669904824, 0.5856257209410443, 0.5193996948036719,
            0.5013978986347466, 0.38681277964578054, 0.5936795762842003, 0.595352982877607, 0.6398109626113442,
            0.5664205978994309, 0.5642905982905982,
        ],
        mask: [
            0.3195452758576433, 0.5622883972521636, 0.29892653412086784, 0.3873740315997837, 0.31018272403369485,
            0.3269339071005138, 0.2682297225711534, 0.41544868114906375, 0.4168394992198818, 0.4694498622754236,
            0.37675922666197265, 0.3814715099715099,
        ]
    )

    @Test(arguments: [CocoOverlap.box, .mask])
    func publishedExampleEqualsTheReference(_ overlap: CocoOverlap) throws {
        let root = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(4).joined(separator: "/")
        let folder = "\(root)/../shared/data/coco/cocoapi-fake100"
        guard access("\(folder)/instances_val2014_100.json", R_OK) == 0 else {
            print("skipped: no ../shared/data")
            return
        }
        let name = overlap == .box ? "fakebbox" : "fakesegm"
        let truth = try CocoDataset.load("\(folder)/instances_val2014_100.json")
        let results = try CocoResults.load("\(folder)/instances_val2014_\(name)100_results.json")
        let matches = try CocoEvaluation.match(truth: truth, results: results, settings: CocoSettings(overlap))
        let stats = CocoEvaluation.summarize(CocoEvaluation.accumulate(matches)).stats
        #expect(stats == (overlap == .box ? Self.fake100.box : Self.fake100.mask))
    }
}
