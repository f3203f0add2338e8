import Annotations
import DenseMetrics
import Determinism
import Geometry
import JSONText

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Cases drawn by `Tests/Fixtures/coco/make_coco_fixtures.py` with pycocotools' answers.
enum CocoFixture {
    struct Case {
        var name: String
        var settings: CocoSettings
        var truth: CocoDataset
        var results: [DetectionResult]
        var json: JSONValue
    }

    static func json(_ name: String) throws -> [JSONValue] {
        let folder = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(3).joined(
            separator: "/")
        let path = name.hasPrefix("/") ? name : "\(folder)/Fixtures/coco/\(name)"
        return try JSONValue.parse(bytes(path), file: name)["cases"]!.array!
    }

    static func cases(_ name: String) throws -> [Case] {
        try json(name).map { json in
            let overlap = CocoOverlap(rawValue: json["iou_type"]!.string!)!
            var settings = json["federated"] == nil ? CocoSettings(overlap) : .lvis(overlap)
            if let limits = json["max_dets"]!.array { settings.maxDetections = limits.map { Int($0.int!) } }
            settings.usesCategories = json["use_categories"]!.bool!
            return Case(
                name: json["name"]!.string!, settings: settings,
                truth: try json["truth_file"]?.string.map { try CocoDataset.load($0, checks: []) }
                    ?? truth(json["truth"]!),
                results: try json["results_file"]?.string.map { try CocoResults.load($0).records }
                    ?? results(json["results"]!), json: json)
        }
    }

    static func truth(_ json: JSONValue) throws -> CocoDataset {
        try Array(json.text().utf8).withUnsafeBytes { try CocoDataset.read($0, file: "truth", checks: []) }
    }

    static func results(_ json: JSONValue) throws -> [DetectionResult] {
        try Array(json.text().utf8).withUnsafeBytes { try CocoResults.read($0, file: "results").records }
    }

    static func curves(_ item: Case) throws -> CocoCurves {
        CocoEvaluation.accumulate(
            try CocoEvaluation.match(truth: item.truth, results: item.results, settings: item.settings))
    }

    /// SHA-256 of an array in pycocotools' order: threshold, (recall,) class, area, limit.
    static func digest(_ values: [Double], _ curves: CocoCurves, rows: Int) -> String {
        let (areas, limits) = (curves.settings.areaRanges.count, curves.settings.maxDetections.count)
        let thresholds = curves.settings.iouThresholds.count
        var ordered: [Double] = []
        for t in 0..<thresholds {
            for r in 0..<rows {
                for k in 0..<curves.classCount {
                    for a in 0..<areas {
                        for m in 0..<limits {
                            let base = (a * limits + m) * thresholds
                            ordered.append(values[((base + t) * rows + r) * curves.classCount + k])
                        }
                    }
                }
            }
        }
        var hash = SHA256()
        ordered.withUnsafeBytes { hash.update($0) }
        return hash.hex()
    }

    private static func bytes(_ path: String) throws -> [UInt8] {
        struct Unreadable: Error { var path: String }
        guard let file = fopen(path, "rb") else { throw Unreadable(path: path) }
        defer { fclose(file) }
        var result: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        while case let count = fread(&chunk, 1, chunk.count, file), count > 0 { result += chunk[0..<count] }
        return result
    }
}
