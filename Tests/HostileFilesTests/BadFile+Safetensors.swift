import TestSupport

extension BadFile {
    static func safetensors() -> [BadFile] {
        let entry = "\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]"
        let good = tensorFile(
            "{\"w\":{\(entry)},\"b\":{\"dtype\":\"U8\",\"shape\":[3],\"data_offsets\":[8,11]}}", data: 11)
        let headers: KeyValuePairs<String, (String, Int)> = [
            "list": ("[]", 0), "number": ("7", 0), "two-values": ("{} {}", 0), "no-json": ("{w}", 0),
            "comment": ("{/**/}", 0), "trailing-comma": ("{\"w\":{\(entry)},}", 8),
            "same-name-twice": ("{\"w\":{\(entry)},\"w\":{\(entry)}}", 8),
            "no-type": ("{\"w\":{\"shape\":[2],\"data_offsets\":[0,8]}}", 8),
            "unknown-type": (tensor(type: "F33"), 8),
            "type-number": ("{\"w\":{\"dtype\":1,\"shape\":[2],\"data_offsets\":[0,8]}}", 8),
            "no-shape": ("{\"w\":{\"dtype\":\"F32\",\"data_offsets\":[0,8]}}", 8),
            "negative-size": (tensor(shape: "-2"), 8), "minus-zero": (tensor(shape: "2,-0"), 8),
            "float-size": (tensor(shape: "2.0"), 8), "exponent": (tensor(shape: "2e0"), 8),
            "size-text": (tensor(shape: "\"2\""), 8), "size-overflow": (tensor(shape: "4294967296,4294967296,2"), 8),
            "bits-overflow": (tensor(shape: "2305843009213693952"), 8),
            "size-above-64-bits": (tensor(shape: "18446744073709551616"), 8),
            "rank-33": (tensor(shape: [String](repeating: "1", count: 32).joined(separator: ",") + ",2"), 8),
            "other-length": (tensor(shape: "3"), 8), "offset-past-end": (tensor(offsets: "8,16"), 8),
            "offsets-reversed": (tensor(offsets: "8,0"), 8), "one-offset": (tensor(offsets: "8"), 8),
            "negative-offset": (tensor(offsets: "-8,0"), 8),
            "huge-offset": (tensor(offsets: "0,9223372036854775807"), 8),
            "hole": ("{\"w\":{\(entry)},\"b\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[9,10]}}", 10),
            "overlap": ("{\"w\":{\(entry)},\"b\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", 8),
            "part-overlap": ("{\"w\":{\(entry)},\"b\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[4,12]}}", 12),
            "tail": ("{\"w\":{\(entry)}}", 9), "missing-data": ("{\"w\":{\(entry)}}", 7),
            "extra-key": ("{\"w\":{\(entry),\"note\":1}}", 8), "entry-list": ("{\"w\":[]}", 0),
            "metadata-list": ("{\"__metadata__\":[]}", 0), "metadata-number": ("{\"__metadata__\":{\"a\":1}}", 0),
            "metadata-nested": ("{\"__metadata__\":{\"a\":{}}}", 0), "half-byte": (tensor(type: "F4", shape: "3"), 1),
            "deep": (String(repeating: "[", count: 100_000), 0),
            "deep-object": (String(repeating: "{\"a\":", count: 1000) + "1" + String(repeating: "}", count: 1000), 0),
        ]
        var files = headers.map {
            BadFile(
                name: "safetensors-\($0.key)", file: "w.safetensors", reader: .checkpoint,
                bytes: tensorFile($0.value.0, data: $0.value.1))
        }
        let lengths: KeyValuePairs<String, UInt64> = [
            "2-to-60": 1 << 60, "all-ones": .max, "sign": 1 << 63, "past-end": 1000, "limit": 100_000_001,
            "shorter": 10, "zero": 0,
        ]
        for (name, length) in lengths {
            var bytes = good
            bytes.replaceSubrange(0..<8, with: littleEndian(length))
            files.append(
                .init(name: "safetensors-length-\(name)", file: "w.safetensors", reader: .checkpoint, bytes: bytes))
        }
        var notUTF8 = good
        notUTF8[10] = 0xFF
        files.append(.init(name: "safetensors-not-utf8", file: "w.safetensors", reader: .checkpoint, bytes: notUTF8))
        // Every byte of the header counts, less those of names.
        return files + cuts(of: good, 20, "safetensors", "w.safetensors", .checkpoint)
            + flips(
                of: good, at: Array(stride(from: 0, to: 100, by: 5)), "safetensors", "w.safetensors", .checkpoint,
                isSure: false)
    }

    private static func tensor(type: String = "F32", shape: String = "2", offsets: String = "0,8") -> String {
        "{\"w\":{\"dtype\":\"\(type)\",\"shape\":[\(shape)],\"data_offsets\":[\(offsets)]}}"
    }

    static func tensorFile(_ header: String, data: Int) -> [UInt8] {
        littleEndian(UInt64(header.utf8.count)) + Array(header.utf8) + (0..<data).map { UInt8($0) }
    }
}
