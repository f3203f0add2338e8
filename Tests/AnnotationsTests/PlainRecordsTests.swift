import Determinism
import Geometry
import SafeFiles
import Testing

@testable import Annotations

/// The fast reader of plain records against the strict one, on texts of every kind.
@Suite struct PlainRecordsTests {
    /// Pieces of which records are put together, good and bad.
    private static let numbers = [
        "0", "-0", "1", "-3", "12.5", "0.25", "123.456", "1234567.5", "0.123456789", "1e3", "2.5E-2", "-0.0", "1e400",
        "0.1e-400", "9223372036854775807", "9223372036854775808", "1.0", "00", "01.5", ".5", "5.", "+1", "-", "1e",
        "NaN",
        "Infinity", "0.30000000000000004", "702.1057499999998", "100000000000000000000", "1.7976931348623157e308",
        "1_0",
        "12345678901234567890.5", "0.00000000000000000000001", "4503599627370497.5", "null", "\"1\"", "true",
    ]
    private static let strings = [
        "\"\"", "\"PPYo0\"", "\"ab\\\\cd\"", "\"a\\\"b\"", "\"\\u0041\"", "\"é\"", "\"tab\there\"", "\"\\n\"", "\"0\"",
    ]

    private struct Draw {
        var random: RandomStream

        mutating func below(_ count: Int) -> Int { Int(random.next() % UInt64(count)) }
        mutating func one(_ list: [String]) -> String { list[below(list.count)] }

        /// Mostly an ordinary number.
        mutating func number() -> String {
            below(12) == 0
                ? one(PlainRecordsTests.numbers)
                : below(3) == 0 ? "\(below(2000))" : "\(Double(below(2_000_000)) / [1.0, 10, 100, 1000][below(4)])"
        }

        mutating func integer() -> String { below(25) == 0 ? one(PlainRecordsTests.numbers) : "\(below(50))" }

        mutating func list(_ count: Int) -> String {
            "[" + (0..<count).map { _ in number() }.joined(separator: [",", ", ", " ,\n"][below(3)]) + "]"
        }

        mutating func segmentation() -> String {
            let size = below(20) == 0 ? list(2) : "[\(below(40)), \(below(40))]"
            switch below(6) {
            case 0:
                return "[" + (0..<below(3)).map { _ in list(below(9) * [1, 8][below(2)]) }.joined(separator: ", ") + "]"
            case 1: return "{\"size\": \(size), \"counts\": \(list(below(6)))}"
            case 2: return "{\"counts\": [\(below(9)), \(below(9))], \"size\": \(size)}"
            case 3: return "{\"size\": \(size), \"counts\": \(one(PlainRecordsTests.strings)), \"more\": 1}"
            case 4: return one(["null", "[]", "{}", "5", "[[]]", "[5]", "{\"size\": \(size)}"])
            default: return "{\"size\": \(size), \"counts\": \(one(PlainRecordsTests.strings))}"
            }
        }

        mutating func member() -> String {
            switch below(13) {
            case 0: "\"bbox\": " + (below(9) == 0 ? list(below(6)) : list(4))
            case 1: "\"segmentation\": " + segmentation()
            case 2: "\"keypoints\": " + list(3 * below(4) + (below(9) == 0 ? 1 : 0))
            case 3: "\"score\":" + number()
            case 4: "\"area\" : " + number()
            case 5: "\"iscrowd\": " + one(["0", "1", "true", "false", "2", "0.0", "null", "\"1\""])
            case 6: "\"ignore\": " + one(["0", "1", "true", "null", "\"x\""])
            case 7: "\"num_keypoints\": " + integer()
            case 8:
                "\"extra\": "
                    + one(["1", "[1, [2, \"a\"]]", "{\"a\": 1, \"a\": 2}", "{}", "\"s\"", "true", "[1,]", "tru"])
            case 9: "\"caption\": " + one(PlainRecordsTests.strings)
            case 10: "\"im\\u0061ge_id\": 3"
            default: "\"note\(below(12))\": " + number()
            }
        }

        mutating func record() -> String {
            var members = ["\"id\": \(integer())", "\"image_id\": \(integer())", "\"category_id\": \(integer())"]
            members.append("\"score\": " + number())
            for _ in 0..<below(5) { members.insert(member(), at: below(members.count + 1)) }
            if below(15) == 0 { members.remove(at: below(members.count)) }
            return "{" + members.joined(separator: below(30) == 0 ? ",," : ", ") + "}"
        }

        /// A list of records, now and then with a damaged byte.
        mutating func text() -> [UInt8] {
            var text = Array(("[" + (0..<below(5)).map { _ in record() }.joined(separator: ", ") + "]").utf8)
            if below(4) == 0 { text[below(text.count)] = UInt8(below(256)) }
            if below(20) == 0 { text.removeLast(below(text.count)) }
            return text
        }
    }

    private func answer<Value>(_ body: () throws -> Value) -> Result<Value, DataError> {
        do { return .success(try body()) } catch { return .failure(error as! DataError) }
    }

    private static let fieldSets: [CocoFields] = [.all, [], [.segmentation], [.keypoints]]

    @Test func bothReadersGiveTheSameAnswer() {
        var accepted = 0
        for seed in 0..<20_000 {
            var draw = Draw(random: RandomStream(seed: 11, purpose: "plain records", UInt64(seed)))
            let text = draw.text()
            let fields = Self.fieldSets[seed % 4]
            let answers = [true, false].map { triesPlain in
                answer {
                    try text.withUnsafeBytes { bytes in
                        try CocoResults.read(
                            MappedFile(copying: bytes), file: "r.json", fields: fields, triesPlain: triesPlain
                        ).records
                    }
                }
            }
            #expect(answers[0] == answers[1], "seed \(seed): \(String(decoding: text, as: UTF8.self))")
            let truth = Array("{\"images\": [], \"categories\": [], \"annotations\": ".utf8) + text + Array("}".utf8)
            let truths = [true, false].map { triesPlain in
                answer {
                    try truth.withUnsafeBytes { bytes in
                        try CocoDataset.read(
                            MappedFile(copying: bytes), file: "t.json", fields: fields, checks: [],
                            triesPlain: triesPlain)
                    }
                }
            }
            #expect(truths[0] == truths[1], "seed \(seed): \(String(decoding: text, as: UTF8.self))")
            if case .success = answers[0] { accepted += 1 }
        }
        // Enough of both kinds to mean something.
        #expect(accepted > 4000 && accepted < 16_000, "\(accepted)")
    }

    @Test func ordinaryRecordsArePlain() {
        let text = Array(
            """
             {"image_id": 1, "category_id": 18, "bbox": [258.15, 41.29, 348.26, 243.78], "score": 0.236},
            {"image_id":2,"category_id":1,"segmentation":{"size":[3,4],"counts":"0\\\\o0"},"score":1e-3} \n
            """.utf8)
        let padded = text + [UInt8](repeating: 0, count: 64)
        padded.withUnsafeBytes { bytes in
            var count = 0
            let window = UnsafeRawBufferPointer(rebasing: bytes[..<text.count])
            #expect(
                PlainRecords.forEach(in: window, fields: .all) {
                    count += $0.image_id > 0 ? 1 : 0; return true
                })
            #expect(count == 2)
        }
    }
}
