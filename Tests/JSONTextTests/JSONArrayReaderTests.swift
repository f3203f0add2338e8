import Dispatch
import Testing

@testable import JSONText

@Suite struct JSONArrayReaderTests {
    private func read(_ text: String, window: Int) throws -> (records: [String], members: [String]) {
        var records: [String] = []
        var members: [String] = []
        _ = try Array(text.utf8).withUnsafeBytes { bytes in
            try JSONArrayReader(windowBytes: window).read(
                bytes, file: "x.json",
                member: { key, value in members.append("\(key)=\(value?.summary ?? "array")") },
                window: { window in
                    var index = window.firstIndex
                    try window.elements.forEachElement { element in
                        records.append("\(window.key ?? "")[\(index)]\(try JSONValue(element, file: "x").text())")
                        index += 1
                    }
                })
        }
        return (records, members)
    }

    /// The same on three threads, without record indices.
    private func mapped(_ text: String, window: Int) throws -> [String] {
        try Array(text.utf8).withUnsafeBytes { bytes in
            try JSONArrayReader(windowBytes: window).fold(
                bytes, file: "x.json", into: [String](),
                workers: { body in DispatchQueue.concurrentPerform(iterations: 3) { _ in body() } },
                make: { window -> [String] in
                    var records: [String] = []
                    try window.elements.forEachElement { records.append(try JSONValue($0, file: "x").text()) }
                    return records
                }, use: { all, records, _ in all += records }
            ).result
        }
    }

    /// Records that put brackets, quotes and escapes inside strings, long enough to cross 64-byte blocks.
    private func drawnArray(_ count: Int) -> [JSONValue] {
        (0..<count).map { index in
            .object([
                ("id", .int(Int64(index))), ("s", .string(String(repeating: "]},\\\"[", count: index % 13))),
                ("n", .array([.double(Double(index) / 7), .array([]), .object([("k", .string("{"))])])),
            ])
        }
    }

    @Test(arguments: [1, 10, 63, 64, 200, 5000, 1 << 20])
    func windowsGiveEveryRecordOnce(_ window: Int) throws {
        let values = drawnArray(150)
        for pretty in [false, true] {
            let text = JSONValue.array(values).text(pretty: pretty)
            let expected = values.enumerated().map { "[\($0)]\($1.text())" }
            #expect(try read(text, window: window).records == expected)
            #expect(try mapped(text, window: window) == values.map { $0.text() })
            let nested = JSONValue.object([
                ("info", .object([("a", .string("x,]"))])), ("one", .array(values)), ("n", .int(3)),
                ("two", .array([])),
                ("three", .array([.int(1), .string("]")])),
            ]).text(pretty: pretty)
            let result = try read(nested, window: window)
            #expect(result.records == expected.map { "one\($0)" } + ["three[0]1", "three[1]\"]\""])
            #expect(result.members.map { String($0.prefix(5)) } == ["info=", "one=a", "n=the", "two=a", "three"])
        }
    }

    @Test func everyCutTextIsRefused() throws {
        let text = JSONValue.object([("a", .array(drawnArray(5))), ("b", .int(12)), ("c", .array([.string("x")]))])
            .text()
        for length in 0..<text.utf8.count {
            let cut = String(decoding: Array(text.utf8.prefix(length)), as: UTF8.self)
            let error = #expect(throws: JSONError.self) { try read(cut, window: 40) }
            #expect(error?.reason == .truncated, "cut at \(length): \(error.map(String.init(describing:)) ?? "")")
            let again = #expect(throws: JSONError.self) { try mapped(cut, window: 40) }
            #expect(again == error)
        }
    }

    @Test(arguments: [
        "[1,]", "[,1]", "[1,,2]", "[1]]", "{\"a\":[1,]}", "{\"a\":[1] \"b\":2}", "{\"a\":1,\"a\":2}", "[1 2]", "3",
        "{\"a\":}", "[{\"a\":1,\"a\":2}]",
    ])
    func refusesBadTexts(_ text: String) {
        for window in [1, 100] { #expect(throws: JSONError.self) { try read(text, window: window) } }
    }

    @Test func namesTheRecord() {
        let error = #expect(throws: JSONError.self) {
            try read(#"{"annotations":[{"id":1},{"id":2},{"id":NaN}]}"#, window: 1000)
        }
        #expect(error?.record == "annotations[2]")
        #expect(error?.offset == 40)
        let records = (0..<200).map { [50, 150].contains($0) ? "NaN" : "{\"id\":\($0)}" }.joined(separator: ",")
        let first = #expect(throws: JSONError.self) { try mapped("[\(records)]", window: 30) }
        #expect(first?.record == "[50]")
    }

    @Test("a record, member or key above the limit is refused before it is read; one at the limit is not")
    func largeRecords() throws {
        let large = String(repeating: "x", count: JSONLimits.recordBytes)
        for text in [
            "[{\"id\":\"\(large)\(large)\"}]", "{\"info\":\"\(large)\"}", "{\"\(large)\":1}",
            "{\"a\":{\"b\":\"\(large)\"}}",
        ] {
            let error = #expect(throws: JSONError.self) { try read(text, window: 1000) }
            #expect(error?.reason == .tooLarge && error?.expected.contains("\(JSONLimits.recordBytes)") == true)
        }
        let fits = large.dropLast(2)
        #expect(try read("{\"info\":\"\(fits)\"}", window: 1000).members.count == 1)
        #expect(try read("[\"\(fits)\"]", window: 1000).records.count == 1)
    }
}
