import Determinism
import Foundation
import SafeFiles
import TensorCore
import Testing

@testable import CheckpointIO

private func temporaryPath() -> String { NSTemporaryDirectory() + "dmt-\(UUID().uuidString).safetensors" }

@Suite struct SafetensorsTests {
    private func written(_ bytes: [UInt8], _ body: (String) throws -> Void) throws {
        let path = temporaryPath()
        try AtomicFile.write(bytes, to: path, durability: .renamed)
        defer { try? FileManager.default.removeItem(atPath: path) }
        try body(path)
    }

    @Test func roundTripOfEveryTypeKeepsTheBits() throws {
        var stream = RandomStream(seed: 3, purpose: "tensors")
        var tensors: [String: Tensor] = [:]
        for type in DType.allCases {
            for shape in [[], [0, 3], [7], [2, 3, 5]] {
                let tensor = Tensor(uninitialized: shape, type)
                for i in 0..<tensor.byteCount {
                    tensor.raw.storeBytes(of: UInt8(truncatingIfNeeded: stream.next()), toByteOffset: i, as: UInt8.self)
                }
                tensors["\(type).\(shape.count)"] = tensor
            }
        }
        let path = temporaryPath()
        defer { try? FileManager.default.removeItem(atPath: path) }
        try Safetensors.write(tensors, metadata: ["b": "2", "a": "é\n\"1\""], to: path)
        let back = try Safetensors.load(path)
        #expect(back.metadata == ["b": "2", "a": "é\n\"1\""])
        #expect(back.tensors.keys.sorted() == tensors.keys.sorted())
        for (name, tensor) in tensors {
            let other = try #require(back.tensors[name])
            #expect(other.shape == tensor.shape && other.dtype == tensor.dtype)
            #expect(memcmp(other.raw, tensor.raw, tensor.byteCount) == 0, "\(name)")
        }
        #expect(
            Safetensors.encode(back.tensors, metadata: back.metadata)
                == Safetensors.encode(tensors, metadata: ["a": "é\n\"1\"", "b": "2"]))
    }

    @Test func fileStartsWithItsObjectAndKeepsTensorsAligned() throws {
        let bytes = Safetensors.encode([
            "z": Tensor([1.5] as [Double], [1]), "a": Tensor(uninitialized: [3], .u8),
            "m": Tensor([1, 2] as [Float], [2]),
        ])
        let header = try parse(bytes)
        #expect(bytes[8] == UInt8(ascii: "{"))
        #expect(header.entries.map(\.name) == ["z", "m", "a"])
        for entry in header.entries { #expect(entry.byteRange.lowerBound % (entry.type.bitCount / 8) == 0) }
    }

    /// In bits, the sides before the zero are too many for 64; found by fuzzing.
    @Test func anEmptyTensorOfLargeSidesIsWrittenAsItIsRead() throws {
        let shape = [1 << 58, 16, 0, 3]
        let item = SafetensorsWriter.Item(
            name: "e", type: .i64, shape: shape, bytes: UnsafeRawBufferPointer(start: nil, count: 0))
        #expect(try parse(SafetensorsWriter.encode([item]))["e"]?.shape == shape)
    }

    /// The bytes of one known file, so that a change of the format shows.
    @Test func bytesOfAKnownFile() {
        let bytes = Safetensors.encode(["w": Tensor([1] as [Float], [1, 1])], metadata: ["format": "pt"])
        let header =
            "{\"__metadata__\":{\"format\":\"pt\"},\"w\":{\"dtype\":\"F32\",\"shape\":[1,1],\"data_offsets\":[0,4]}}"
        let padded = header + String(repeating: " ", count: (8 - header.utf8.count % 8) % 8)
        #expect(bytes == [UInt8(padded.utf8.count), 0, 0, 0, 0, 0, 0, 0] + Array(padded.utf8) + [0, 0, 0x80, 0x3F])
    }

    @Test func halfPrecisionIsExact() {
        var worst = 0
        for bits in UInt16.min...UInt16.max {
            let value = HalfFloat.float(bits)
            let sign: Double = bits >> 15 == 0 ? 1 : -1
            let exponent = Int(bits >> 10) & 31
            let fraction = Double(bits & 1023)
            if exponent == 31 {
                #expect(fraction == 0 ? Double(value) == sign * .infinity : value.isNaN)
                continue
            }
            let expected =
                exponent == 0
                ? sign * fraction * 0x1p-24
                : sign * (1024 + fraction) * Double(sign: .plus, exponent: exponent - 25, significand: 1)
            if Double(value).bitPattern != expected.bitPattern { worst += 1 }
        }
        #expect(worst == 0)
    }

    @Test func integersBecomeI32OrAreRefused() throws {
        func file(_ type: String, _ bytes: [UInt8], _ count: Int) -> [UInt8] {
            safetensors("{\"n\":{\"dtype\":\"\(type)\",\"shape\":[\(count)],\"data_offsets\":[0,\(bytes.count)]}}")
                + bytes
        }
        func read(_ bytes: [UInt8]) throws -> Tensor {
            var tensor: Tensor?
            try written(bytes) { tensor = try Safetensors.load($0).tensors["n"] }
            return try #require(tensor)
        }
        let wide = try read(file("I64", [0xFE, 255, 255, 255, 255, 255, 255, 255, 7, 0, 0, 0, 0, 0, 0, 0], 2))
        #expect(wide.dtype == .i32 && wide.ints() == [-2, 7])
        #expect(try read(file("I8", [0xFF, 3], 2)).ints() == [-1, 3])
        #expect(try read(file("U16", [0xFF, 0xFF], 1)).ints() == [65535])
        #expect(try read(file("F16", [0x00, 0x3C, 0x00, 0xC0], 2)).floats() == [1, -2])
        try written(file("U32", [0, 0, 0, 0x80], 1)) { path in
            #expect(throws: DataError.self) { try Safetensors.load(path) }
        }
        try written(file("BOOL", [2], 1)) { path in #expect(throws: DataError.self) { try Safetensors.load(path) } }
        try written(file("F8_E4M3", [2], 1)) { path in
            #expect(throws: DataError.self) { try Safetensors.load(path) }
            let others = try Safetensors.load(path, where: { $0 != "n" })
            #expect(others.tensors.isEmpty)
        }
    }

    @Test func missingFilesAndNamesAreNamed() throws {
        let path = temporaryPath()
        #expect {
            try SafetensorsFile(path: path)
        } throws: {
            ($0 as? DataError)?.kind == .missing && ($0 as? DataError)?.file == path
        }
        #expect(throws: DataError.self) { try SafetensorsFile(path: NSTemporaryDirectory()) }
        try written(Safetensors.encode(["w": Tensor([1] as [Float], [1])])) { path in
            let file = try SafetensorsFile(path: path)
            let bytes = try file.bytes(of: "w")
            #expect(bytes == [0, 0, 0x80, 0x3F])
            #expect {
                try file.bytes(of: "v")
            } throws: {
                ($0 as? DataError)?.record == "tensor 'v'"
            }
        }
    }
}
