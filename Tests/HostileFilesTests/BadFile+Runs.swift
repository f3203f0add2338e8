import CheckpointIO
import Determinism
import DenseMetrics
import JSONText
import Reporting
import SafeFiles

@testable import EvaluationHarness

extension BadFile {
    /// A finished run's record.
    static func record() throws -> RunRecord {
        var draft = RunRecord.Draft()
        (draft.task, draft.taskVersion, draft.toolVersion) = ("segment.scenes", 1, BuildInfo.version)
        (draft.commandLine, draft.model, draft.arm) = (["dmt", "eval", "segment"], "vit", "dmt")
        draft.dataset = DatasetSummary(
            name: "scenes", split: "val", contentHash: String(repeating: "c", count: 64), listedImages: 4,
            scoredImages: 4, classCount: 2)
        draft.settings = [ResolvedSetting(key: "split", value: "val", origin: "default")]
        draft.selectionRule = "last step"
        draft.protocolFingerprint = ProtocolFingerprint(["input": "512"])
        draft.metrics = [
            MetricValue(name: "mIoU", value: 0.5, unit: .fraction, direction: .higherIsBetter, sampleCount: 4)
        ]
        draft.timings = [PhaseTiming(phase: "score", seconds: 1)]
        draft.environment = [EnvironmentFact(key: "cpu", value: "a CPU")]
        return try RunRecord(draft)
    }

    /// Records of runs.
    static func records() throws -> [BadFile] {
        let whole = try record().json().text(pretty: true)
        func without(_ key: String) throws -> String {
            guard case .object(let members) = try JSONValue.parse(Array(whole.utf8), file: "r") else { return "" }
            return JSONValue.object(members.filter { $0.0 != key }).text(pretty: true)
        }
        let texts: KeyValuePairs<String, String> = [
            "nothing": "", "list": "[]", "object": "{}", "number": "1", "tail": whole + "x",
            "metric-nan": whole.replacing("0.5", with: "NaN"), "metric-text": whole.replacing("0.5", with: "\"0.5\""),
            "deep": String(repeating: "[", count: 1_000_000),
            "same-key-twice": whole.replacing("\"task\"", with: "\"task\": 1, \"task\""),
        ]
        guard case .object(let members) = try JSONValue.parse(Array(whole.utf8), file: "r") else { return [] }
        let needed = ["task", "dataset", "metrics", "protocol", "seed", "environment", "model"]
        let lacking = try members.map(\.0).filter(needed.contains).map { key in
            BadFile(
                name: "record-without-\(key)", file: "run.json", reader: .record, bytes: Array(try without(key).utf8))
        }
        return Self.texts(texts, "record", "run.json", .record) + lacking
            + cuts(of: Array(whole.utf8), 15, "record", "run.json", .record)
    }

    /// Evidence beside a good record.
    static func evidence() throws -> [BadFile] {
        let images = EvidenceColumn("images", Array("[\"a.jpg\",\"b.jpg\"]".utf8))
        let classes = EvidenceColumn("classes", Array("[\"left\",\"right\"]".utf8))
        func file(_ name: String, _ columns: [EvidenceColumn], _ change: (inout [String: String]) -> Void = { _ in })
            -> BadFile
        {
            var metadata = ["kind": "segmentation", "schema_version": "1", "image_list_sha256": "", "metric": ""]
            change(&metadata)
            let bytes = EvidenceFile.encoded(columns, metadata: metadata)
            return BadFile(name: "evidence-\(name)", file: "evidence.safetensors", reader: .evidence, bytes: bytes)
        }
        let whole = file("whole", [images, classes])
        return [
            file("no-columns", [images, classes]), file("version", [images, classes]) { $0["schema_version"] = "9" },
            file("no-version", [images, classes]) { $0["schema_version"] = nil },
            file("kind", [images, classes]) { $0["kind"] = "x" },
            file("no-images", [classes]), file("images-no-json", [EvidenceColumn("images", Array("{".utf8)), classes]),
            file("images-numbers", [EvidenceColumn("images", Array("[1,2]".utf8)), classes]),
            file("images-none", [EvidenceColumn("images", Array("[]".utf8)), classes]),
            file("images-type", [EvidenceColumn("images", [Int64(1)]), classes]),
            file("classes-table", [images, EvidenceColumn("classes", Array("[\"ab\"]".utf8), rows: 2)]),
            file("hash", [images, classes]) { $0["image_list_sha256"] = String(repeating: "0", count: 64) },
        ] + cuts(of: whole.bytes, 12, "evidence", "evidence.safetensors", .evidence)
    }
}
