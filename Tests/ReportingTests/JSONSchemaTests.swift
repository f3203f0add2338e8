import JSONText
import Testing

@testable import Reporting

@Suite struct JSONSchemaTests {
    private func reread(_ value: JSONValue) throws -> JSONValue { try JSONValue.parse(value.text(), file: "document") }

    @Test func recordsAreAsTheirSchemaSays() throws {
        let schema = try JSONSchema("run")
        var draft = exampleDraft()
        #expect(try schema.faults(reread(try RunRecord(draft).json())) == [])
        draft.checkpoint = nil
        draft.classTable = nil
        draft.efficiency = []
        draft.seed = .max
        draft.metrics = [draft.metrics[2]]
        #expect(try schema.faults(reread(try RunRecord(draft).json())) == [])
    }

    @Test func reportsAreAsTheirSchemaSays() throws {
        let schema = try JSONSchema("report")
        let record = try RunRecord(exampleDraft())
        for report in [
            exampleReport(), Report(run: record),
            Report(title: "", runs: [record, try RunRecord(exampleDraft(arm: "b"))]),
        ] {
            #expect(try schema.faults(reread(JSONRenderer().json(report))) == [])
        }
    }

    /// The schema is not empty words: each of these breaks it.
    @Test func brokenRecordsAreRefused() throws {
        let schema = try JSONSchema("run")
        guard case .object(let members) = try reread(try RunRecord(exampleDraft()).json()) else { return }
        func broken(_ key: String, _ value: JSONValue?) throws -> [String] {
            var copy = members.filter { $0.0 != key }
            if let value { copy.append((key, value)) }
            return try schema.faults(.object(copy))
        }
        for (key, _) in members where key != "efficiency" { #expect(try !broken(key, nil).isEmpty, "\(key)") }
        #expect(try broken("efficiency", nil).isEmpty)
        for (key, value): (String, JSONValue) in [
            ("schema_version", .int(2)), ("task", .string("")), ("seed", .int(3)), ("seed", .string("-1")),
            ("metrics", .array([])), ("dataset", .null), ("checkpoint", .object([("name", .string("x"))])),
            ("extra", .bool(true)), ("timings", .object([("scoring", .int(-1))])),
            ("environment", .object([("a", .int(1))])),
        ] {
            #expect(try !broken(key, value).isEmpty, "\(key)")
        }
        let report = try JSONSchema("report")
        #expect(try !report.faults(.object([])).isEmpty)
        var text = JSONRenderer().json(exampleReport()).text()
        text.replace("\"paragraph\"", with: "\"parable\"")
        #expect(try !report.faults(JSONValue.parse(text, file: "text")).isEmpty)
    }
}
