import Foundation
import JSONText
import SafeFiles
import Testing

@testable import Reporting

@Suite struct RunRecordTests {
    @Test func jsonKeepsEveryField() throws {
        let record = try RunRecord(exampleDraft())
        let text = record.json().text(pretty: true)
        let back = try RunRecord(json: JSONValue.parse(text, file: "run.json"))
        #expect(back == record)
        #expect(back.json().text(pretty: true) == text)
        #expect(text.contains("0.4123456789012345") && text.contains("\"18446744073709551615\""))
    }

    @Test func filesRoundTripAndForeignFilesAreNamed() throws {
        let path = NSTemporaryDirectory() + "run-\(UUID().uuidString).json"
        defer { try? FileManager.default.removeItem(atPath: path) }
        let record = try RunRecord(exampleDraft())
        try record.write(to: path)
        #expect(try RunRecord.load(path) == record)
        try AtomicFile.write("{\"schema_version\":1}", to: path)
        #expect {
            try RunRecord.load(path)
        } throws: {
            ($0 as? DataError)?.record == "task" && ($0 as? DataError)?.kind == .malformed
        }
    }

    @Test func timesMachineAndCommandCanBeLeftOut() throws {
        var draft = exampleDraft()
        let first = try RunRecord(draft)
        draft.timings[0].seconds = 99
        draft.environment[0].value = "another"
        draft.commandLine += ["--threads", "1"]
        let second = try RunRecord(draft)
        #expect(first.json(.reproducible).text() == second.json(.reproducible).text())
        #expect(first.json().text() != second.json().text())
        draft.seed = 1
        #expect(try RunRecord(draft).json(.reproducible).text() != first.json(.reproducible).text())
    }

    /// Each break leaves one hole, and its text names the field.
    @Test func aDraftWithAHoleIsNoRecord() throws {
        let breaks: [(String, (inout RunRecord.Draft) -> Void)] = [
            ("task is empty", { $0.task = "" }), ("task_version", { $0.taskVersion = 0 }),
            ("tool_version", { $0.toolVersion = "" }), ("command_line", { $0.commandLine = [] }),
            ("model", { $0.model = "" }), ("arm", { $0.arm = "" }),
            ("checkpoint.sha256", { $0.checkpoint?.sha256 = "12" }), ("dataset.name", { $0.dataset.name = "" }),
            ("dataset.split", { $0.dataset.split = "" }), ("content_hash", { $0.dataset.contentHash = "" }),
            ("80 of 79", { $0.dataset.scoredImages = 80 }), ("0 of 79", { $0.dataset.scoredImages = 0 }),
            ("image list", { $0.protocolFingerprint = ProtocolFingerprint(["input size": "64"]) }),
            ("settings", { $0.settings = [] }), ("selection_rule", { $0.selectionRule = "" }),
            ("timings", { $0.timings = [] }), ("timing", { $0.timings[0].seconds = .nan }),
            ("environment", { $0.environment = [] }), ("metrics is empty", { $0.metrics = [] }),
            ("twice", { $0.metrics.append($0.metrics[1]) }), ("no reason", { $0.metrics[2].reason = nil }),
            ("not finite", { $0.metrics[0].value = .infinity }), ("no method", { $0.metrics[0].errorMethod = nil }),
            ("1 of 2 values", { $0.classTable?.rows[0].values = [1] }),
            ("class table holds", { $0.classTable?.rows[0].values = [1, .nan] }),
        ]
        #expect(RunRecord.holes(in: exampleDraft()).isEmpty)
        for (name, damage) in breaks {
            var draft = exampleDraft()
            damage(&draft)
            let holes = RunRecord.holes(in: draft)
            #expect(holes.count == 1 && holes[0].contains(name), "\(name): \(holes)")
        }
        #expect(RunRecord.holes(in: RunRecord.Draft()).count >= 12, "an empty draft lists all holes at once")
    }

    @Test func alteredTextsAreRefusedWithTheField() throws {
        let text = try RunRecord(exampleDraft()).json().text()
        let changes: [(String, String, String)] = [
            ("\"schema_version\":1", "\"schema_version\":2", "schema_version"),
            ("\"input size\":\"64\"", "\"input size\":\"65\"", "protocol.hash"),
            ("\"task_version\":2", "\"task_version\":\"2\"", "task_version"),
            ("\"unit\":\"number\"", "\"unit\":\"percent\"", "metrics[1].unit"),
            ("\"seed\":\"18446744073709551615\"", "\"seed\":\"-1\"", "seed"),
            ("\"model\":", "\"modell\":", "model"),
        ]
        for (from, to, field) in changes {
            #expect(text.contains(from), "\(from)")
            let altered = try JSONValue.parse(text.replacing(from, with: to), file: "run.json")
            #expect {
                try RunRecord(json: altered)
            } throws: {
                ($0 as? RecordFormatError)?.field == field
            }
        }
    }

    @Test func aNumberThatIsNotFiniteIsUndefinedWithAReason() {
        let metric = MetricValue(name: "x", value: .nan, unit: .number, direction: .lowerIsBetter, sampleCount: 1)
        #expect(metric.value == nil && metric.reason == "not a finite number")
    }

    @Test func fingerprintIgnoresOrderAndSeesEveryChange() {
        let a = ProtocolFingerprint(["x": "1", "y": "2"])
        #expect(a.hash == ProtocolFingerprint(["y": "2", "x": "1"]).hash)
        #expect(a.hash != ProtocolFingerprint(["x": "1", "y": "3"]).hash)
        #expect(ProtocolFingerprint(["x": "1=2"]).hash != ProtocolFingerprint(["x=1": "2"]).hash)
        #expect(ProtocolFingerprint(["a": "1\n1:b=1:2"]).hash != ProtocolFingerprint(["a": "1", "b": "2"]).hash)
        #expect(
            a.differences(from: ProtocolFingerprint(["y": "2", "z": "9"])) == [
                .init(key: "x", first: "1", second: nil), .init(key: "z", first: nil, second: "9"),
            ])
    }
}
