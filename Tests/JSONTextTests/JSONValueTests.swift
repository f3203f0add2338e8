import Testing

@testable import JSONText

@Suite struct JSONValueTests {
    private func refusal(_ text: [UInt8]) -> JSONError? {
        do {
            _ = try JSONValue.parse(text, file: "x.json")
            return nil
        } catch { return error as? JSONError }
    }
    private func refusal(_ text: String) -> JSONError? { refusal(Array(text.utf8)) }

    @Test func readsEveryKind() throws {
        let value = try JSONValue.parse(#"{"b":[null,true,-3,2.5,"\u00e9\n"],"a":{}}"#, file: "x.json")
        let expected: JSONValue = .object([
            ("b", .array([.null, .bool(true), .int(-3), .double(2.5), .string("\u{e9}\n")])), ("a", .object([])),
        ])
        #expect(value == expected)
        #expect(value["b"]?[2]?.int == -3)
        #expect(value["c"] == nil)
    }

    @Test func keepsIntegersOf64Bits() throws {
        #expect(try JSONValue.parse("[9223372036854775807]", file: "x")[0]?.int == .max)
        #expect(try JSONValue.parse("9007199254740993", file: "x").int == 9_007_199_254_740_993)
        #expect(refusal("9223372036854775808")?.reason == .numberOutOfRange)
        #expect(refusal("99999999999999999999")?.reason == .numberOutOfRange)
    }

    @Test(arguments: [
        ("[1,NaN]", JSONError.Reason.syntax, 3), ("[Infinity]", .syntax, 1), ("[1,]", .syntax, 3),
        ("{\"a\":1", .truncated, 6),
        ("", .truncated, 0), ("[1] x", .syntax, 4), ("[01]", .syntax, 2), ("[1e999]", .numberOutOfRange, 1),
        ("{\"a\":1,\"b\":2,\"a\":3}", .duplicateKey, 13), ("[\"\\ud800\"]", .syntax, 2), ("[tru]", .syntax, 4),
    ])
    func refusesWithOffset(_ text: String, _ reason: JSONError.Reason, _ offset: Int) {
        let error = refusal(text)
        #expect(error?.reason == reason)
        #expect(error?.offset == offset)
    }

    @Test func refusesBadUTF8() {
        let error = refusal(Array("[\"".utf8) + [0xC0, 0x80] + Array("\"]".utf8))
        #expect(error?.reason == .invalidUTF8)
        #expect(error?.offset == 2)
    }

    @Test func findsDuplicatesAmongManyKeysAndBehindEscapes() {
        let many = (0..<40).map { "\"k\($0)\":1" }.joined(separator: ",")
        #expect(refusal("{\(many)}") == nil)
        #expect(refusal("{\(many),\"k7\":2}")?.reason == .duplicateKey)
        #expect(refusal(#"{"a":1,"\u0061":2}"#)?.reason == .duplicateKey || refusal(#"{"a":1,"\u0061":2}"#) != nil)
    }

    @Test func boundsDepth() {
        let ok = String(repeating: "[", count: JSONLimits.depth) + "1" + String(repeating: "]", count: JSONLimits.depth)
        #expect(refusal(ok) == nil)
        #expect(refusal("[" + ok + "]")?.reason == .tooDeep)
        #expect(refusal(String(repeating: "[", count: 1_000_000))?.reason == .tooDeep)
    }

    @Test func writesShortestDoublesThatReadBackEqual() throws {
        let values: [Double] = [
            0.1, 1.0 / 3, .leastNonzeroMagnitude, 1.7976931348623157e308, -0.0, 1e16, 123456789, 1e-7,
        ]
        let text = JSONValue.array(values.map { .double($0) }).text()
        let back = try JSONValue.parse(text, file: "x").array!.map { $0.double! }
        #expect(back.map(\.bitPattern) == values.map(\.bitPattern))
        #expect(text.contains("0.1,"))
    }

    @Test func roundTripsTextAndOrder() throws {
        let value: JSONValue = .object([
            ("z", .string("a/\"\\\u{1}\u{0}\u{1F600}")), ("a", .array([.int(.min), .bool(false), .null])),
            ("", .object([])),
        ])
        #expect(try JSONValue.parse(value.text(), file: "x") == value)
        #expect(try JSONValue.parse(value.text(pretty: true), file: "x") == value)
        #expect(JSONValue(finite: .nan) == .null)
        #expect(JSONValue.null.text() == "null")
    }
}
