import Foundation
import SafeFiles
import Testing

@testable import CheckpointIO

/// A file from a header text and data bytes.
func safetensors(_ header: String, data: Int = 0, declared: UInt64? = nil) -> [UInt8] {
    var file: [UInt8] = []
    let length = declared ?? UInt64(header.utf8.count)
    for shift in stride(from: 0, to: 64, by: 8) { file.append(UInt8(truncatingIfNeeded: length >> UInt64(shift))) }
    return file + Array(header.utf8) + (0..<data).map { UInt8(truncatingIfNeeded: $0) }
}

func parse(_ bytes: [UInt8]) throws(DataError) -> SafetensorsHeader {
    let range = try SafetensorsHeader.textRange(
        prefix: Array(bytes.prefix(8)), fileSize: bytes.count, file: "t.safetensors")
    return try SafetensorsHeader(text: Array(bytes[range]), fileSize: bytes.count, file: "t.safetensors")
}

private func one(_ fields: String, data: Int) -> [UInt8] { safetensors("{\"a\":{\(fields)}}", data: data) }

/// The header of a U8 tensor `a` and a second one.
private func two(_ a: (Int, Int), _ name: String, _ b: (Int, Int)) -> String {
    func entry(_ name: String, _ range: (Int, Int)) -> String {
        "\"\(name)\":{\"dtype\":\"U8\",\"shape\":[\(range.1 - range.0)],\"data_offsets\":[\(range.0),\(range.1)]}"
    }
    return "{\(entry("a", a)),\(entry(name, b))}"
}

@Suite struct SafetensorsHeaderTests {
    @Test func readsEntriesInTheOrderOfTheirBytes() throws {
        let header = try parse(
            safetensors(
                """
                 {"b":{"dtype":"I64","shape":[],"data_offsets":[16,24]},"__metadata__":{"z":"1","format":"pt"},
                 "a":{"shape":[2,2],"data_offsets":[0,16],"dtype":"F32"},
                 "e":{"dtype":"F4","shape":[0,7],"data_offsets":[24,24]},
                 "h":{"dtype":"F4","shape":[3,2],"data_offsets":[24,27]}}  \n
                """, data: 27))
        #expect(header.entries.map(\.name) == ["a", "b", "e", "h"])
        #expect(header["b"]?.shape == [] && header["b"]?.count == 1 && header["e"]?.count == 0)
        let start = header["a"]!.byteRange.lowerBound
        #expect(header["h"]?.byteRange == start + 24..<start + 27)
        #expect(header.metadata == ["format": "pt", "z": "1"])
        #expect(try parse(safetensors("{}")).entries.isEmpty)
    }

    /// One file a rule; each error must name the rule.
    static let refused: [(what: String, bytes: [UInt8], expected: String)] = [
        ("empty file", [], "8 bytes of header length"),
        ("seven bytes", [1, 0, 0, 0, 0, 0, 0], "8 bytes of header length"),
        ("huge header", safetensors("{}", declared: 100_000_001), "at most 100000000"),
        ("largest length", safetensors("{}", declared: .max), "at most 100000000"),
        ("header past the end", safetensors("{}", declared: 3), "inside the file"),
        ("no JSON", safetensors("{\"a\""), "JSON"),
        ("not an object", safetensors("[]"), "JSON object"),
        ("header of nothing", safetensors(""), "JSON object"),
        ("byte-order mark", safetensors("\u{FEFF}{}"), "JSON object"),
        ("invalid UTF-8", [10, 0, 0, 0, 0, 0, 0, 0] + Array("{\"".utf8) + [0xFF] + Array("\":null}".utf8), "JSON"),
        ("nesting", safetensors("{\"a\":[[[" + String(repeating: "[", count: 1 << 16)), "at most 3 nested levels"),
        (
            "a million values", safetensors("{\"a\":[" + String(repeating: "1,", count: 1_000_000)),
            "at most 1000000 values"
        ),
        ("text after the object", safetensors("{} x"), "JSON"),
        ("unknown dtype", one("\"dtype\":\"F33\",\"shape\":[1],\"data_offsets\":[0,4]", data: 4), "known dtype"),
        ("dtype is a number", one("\"dtype\":3,\"shape\":[1],\"data_offsets\":[0,4]", data: 4), "a dtype"),
        ("no shape", one("\"dtype\":\"U8\",\"data_offsets\":[0,4]", data: 4), "dtype, shape and data_offsets"),
        (
            "extra field", one("\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4],\"x\":1", data: 4),
            "dtype, shape and data_offsets"
        ),
        ("negative size", one("\"dtype\":\"U8\",\"shape\":[-4],\"data_offsets\":[0,4]", data: 4), "plain whole"),
        ("minus zero", one("\"dtype\":\"U8\",\"shape\":[-0],\"data_offsets\":[0,0]", data: 0), "plain whole"),
        ("decimal size", one("\"dtype\":\"U8\",\"shape\":[4.0],\"data_offsets\":[0,4]", data: 4), "plain whole"),
        ("exponent", one("\"dtype\":\"U8\",\"shape\":[1e1],\"data_offsets\":[0,10]", data: 10), "whole numbers"),
        (
            "33 axes",
            one(
                "\"dtype\":\"U8\",\"shape\":[1\(String(repeating: ",1", count: 32))],\"data_offsets\":[0,1]",
                data: 1), "32 axes"
        ),
        (
            "overflowing size",
            one("\"dtype\":\"U8\",\"shape\":[4294967296,4294967296],\"data_offsets\":[0,0]", data: 0), "2^63"
        ),
        (
            "overflowing bits", one("\"dtype\":\"F64\",\"shape\":[288230376151711744],\"data_offsets\":[0,0]", data: 0),
            "2^63"
        ),
        (
            "overflow before a zero",
            one("\"dtype\":\"U8\",\"shape\":[4294967296,4294967296,0],\"data_offsets\":[0,0]", data: 0), "2^63"
        ),
        ("half a byte", one("\"dtype\":\"F4\",\"shape\":[3],\"data_offsets\":[0,2]", data: 2), "whole bytes"),
        (
            "size and shape differ", one("\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,4]", data: 4),
            "8 bytes for F32"
        ),
        ("offsets reversed", one("\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[4,0]", data: 4), "in order"),
        ("three offsets", one("\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4,4]", data: 4), "two data_offsets"),
        ("hole at the start", one("\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[1,5]", data: 5), "without holes"),
        (
            "tail after the data", one("\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4]", data: 5),
            "ends with its last"
        ),
        ("data cut short", one("\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4]", data: 3), "ends with its last"),
        ("data without tensors", safetensors("{}", data: 1), "ends with its last"),
        (
            "overlap",
            safetensors(
                two((0, 4), "b", (3, 7)),
                data: 7), "without holes or overlaps"
        ),
        (
            "two tensors on the same bytes",
            safetensors(
                two((0, 4), "b", (0, 4)),
                data: 4), "without holes or overlaps"
        ),
        (
            "a name twice",
            safetensors(
                two((0, 1), "a", (1, 2)),
                data: 2), "JSON"
        ),
        (
            "a name twice, once escaped",
            safetensors(
                two((0, 1), "\\u0061", (1, 2)),
                data: 2), "JSON"
        ),
        ("metadata is a string", safetensors("{\"__metadata__\":\"x\"}"), "object of strings"),
        ("metadata value is a number", safetensors("{\"__metadata__\":{\"epoch\":3}}"), "a string"),
        ("tensor is a string", safetensors("{\"a\":\"x\"}"), "dtype, shape"),
    ]

    @Test func everyRuleRefusesWithItsName() {
        for (what, bytes, expected) in Self.refused {
            do {
                _ = try parse(bytes)
                Issue.record("\(what): was read")
            } catch {
                #expect(error.kind == .malformed && error.expected.contains(expected), "\(what): \(error)")
            }
        }
    }

    @Test func signsInsideNamesAreFine() throws {
        let header = try parse(
            safetensors("{\"a-1.w \\\" -2.5\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}", data: 1))
        #expect(header.entries[0].name == "a-1.w \" -2.5")
    }

    /// Every single-byte change and every cut of a good file is read or refused, never a crash; no cut is read.
    @Test func mutatedFilesNeverTrap() throws {
        let good = safetensors(
            "{\"__metadata__\":{\"k\":\"v\"},\"a\":{\"dtype\":\"F32\",\"shape\":[2,1],\"data_offsets\":[0,8]}}", data: 8
        )
        _ = try parse(good)
        for length in 0..<good.count {
            #expect(throws: DataError.self) { try parse(Array(good.prefix(length))) }
        }
        var readable = 0
        for index in good.indices {
            for value in [0, 0x20, 0x22, 0x2D, 0x30, 0x39, 0x5C, 0x7B, 0x7D, 0xFF] as [UInt8] {
                var bytes = good
                bytes[index] = value
                do {
                    _ = try parse(bytes)
                    readable += 1
                } catch {}
            }
        }
        #expect(readable >= 8 * 10, "changes of data bytes must not matter")
    }
}
