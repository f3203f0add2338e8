import SafeFiles
import TestSupport
import Testing

@testable import CheckpointIO

private func array(
    _ literal: String, _ data: [UInt8], version: UInt8 = 1, padsTo: Int = 64, declared: Int? = nil
) -> [UInt8] {
    let start = version == 1 ? 10 : 12
    var text = Array(literal.utf8)
    while (start + text.count + 1) % padsTo != 0 { text.append(0x20) }
    text.append(0x0A)
    let count = declared ?? text.count
    let length = version == 1 ? littleEndian(UInt16(count)) : littleEndian(UInt32(count))
    return [0x93] + Array("NUMPY".utf8) + [version, 0] + length + text + data
}

private func literal(_ descr: String, _ shape: String, order: String = "False") -> String {
    "{'descr': '\(descr)', 'fortran_order': \(order), 'shape': \(shape), }"
}

private func open(_ bytes: [UInt8]) throws(DataError) -> NumPyFile {
    try NumPyFile(array: ByteSource(bytes, name: "t.npy"))
}

@Suite struct NumPyFileTests {
    private func expectRefusal(_ part: String, _ bytes: [UInt8], _ location: SourceLocation = #_sourceLocation) {
        do throws(DataError) {
            _ = try open(bytes)
            Issue.record("was read; expected a refusal with '\(part)'", sourceLocation: location)
        } catch {
            let isRight = error.kind == .malformed && error.file == "t.npy" && error.description.contains(part)
            #expect(isRight, "\(error) does not hold '\(part)'", sourceLocation: location)
        }
    }

    private let eight: [UInt8] = [0, 1, 2, 3, 4, 5, 6, 7]

    @Test func everyVersionAndOrderIsRead() throws {
        for version in [1, 2, 3] as [UInt8] {
            let file = try open(array(literal("|u1", "(2, 4)"), eight, version: version))
            #expect(file.entries == [TensorEntry(name: "arr_0", type: .u8, shape: [2, 4])])
            #expect(try file.bytes(of: "arr_0") == eight)
        }
        let fortran = try open(array(literal("|u1", "(2, 4)", order: "True"), eight))
        #expect(try fortran.bytes(of: "arr_0") == [0, 2, 4, 6, 1, 3, 5, 7])
        let cube = try open(array(literal("|i1", "(2, 2, 2)", order: "True"), eight))
        #expect(try cube.bytes(of: "arr_0") == [0, 4, 2, 6, 1, 5, 3, 7])
        #expect(try open(array(literal("<f8", "()"), eight)).entries[0].shape == [])
        #expect(try open(array(literal("<f4", "(0, 3)"), [])).bytes(of: "arr_0") == [])
        #expect(try open(array(literal("<f4", "(2,)"), eight, padsTo: 16)).bytes(of: "arr_0") == eight)
        let mixed = "{\"shape\":(8,),\"fortran_order\":False,\"descr\":\"|b1\"}"
        #expect(try open(array(mixed, eight)).entries[0].type == .bool)
        #expect(throws: DataError.self) { try open(array(mixed, eight)).bytes(of: "arr_1") }
        let long = try open(array(literal("|u1", "(8,)"), eight, version: 2, padsTo: 1 << 16))
        #expect(try long.bytes(of: "arr_0") == eight)
    }

    /// Arrays of more than one piece, in both orders.
    @Test func largeArraysAreRead() throws {
        let (rows, columns) = (700, 900)
        let numbers = (0..<rows * columns).flatMap { littleEndian(UInt32($0)) }
        let straight = try open(array(literal("<i4", "(\(rows), \(columns))"), numbers))
        #expect(try straight.bytes(of: "arr_0") == numbers)
        let fortran = try open(array(literal("<i4", "(\(columns), \(rows))", order: "True"), numbers))
        let expected = (0..<columns * rows).flatMap { flat in
            littleEndian(UInt32(flat % rows * columns + flat / rows))
        }
        #expect(try fortran.bytes(of: "arr_0") == expected)
    }

    @Test func headersHaveOneForm() {
        expectRefusal("a NumPy array", [])
        expectRefusal("a NumPy array", Array("NUMPY something else".utf8))
        expectRefusal("version 1.0, 2.0 or 3.0", array(literal("|u1", "(8,)"), eight, version: 4))
        expectRefusal("at most 65536 bytes", array(literal("|u1", "(8,)"), eight, version: 2, declared: 65_537))
        expectRefusal("at most 65536 bytes", array(literal("|u1", "(8,)"), eight, version: 3, declared: 1 << 31))
        expectRefusal("a whole header", array(literal("|u1", "(8,)"), eight, declared: 60_000))
        for text in [
            "", "{}", "[]", "{'descr': '|u1', 'fortran_order': False}", "{'descr': '|u1', 'shape': (8,)}",
            literal("|u1", "(8)"), literal("|u1", "[8]"), literal("|u1", "(8,,)"),
            literal("|u1", "(,)"), literal("|u1", "(-8,)"), literal("|u1", "(8L,)"),
            literal("|u1", "(08,)"), literal("|u1", "(2**3,)"), literal("|u1", "(8.0,)"),
            literal("|u1", "(99999999999999999999,)"), literal("|u1", "(8,)", order: "0"),
            literal("|u1", "(8,)", order: "true"), literal("|u1", "(8,)") + "x",
            literal("|u1", "(8,)") + literal("|u1", "(8,)"),
            "{'descr': '|u1', 'descr': '|u1', 'fortran_order': False, 'shape': (8,)}",
            "{'descr': '|u1', 'fortran_order': False, 'shape': (8,), 'x': '1'}",
            "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (8,)}",
            "{'descr': __import__('os').system('id'), 'fortran_order': False, 'shape': (8,)}",
            "{'descr': '|u1' 'fortran_order': False, 'shape': (8,)}", "{'descr': '|u\\x31', 'fortran_order': False}",
            "{'descr': '|u1\", 'fortran_order': False, 'shape': (8,)}", "{'descr'", "{'descr': '|u1",
        ] {
            expectRefusal("descr, fortran_order and shape alone", array(text, eight))
        }
    }

    @Test func typesAndSizesAreChecked() {
        expectRefusal("found Python objects", array(literal("|O", "(1,)"), eight))
        for type in [">f4", ">i8", "=f4", "f4", "<f16", "<c8", "<u2", "<u4", "<u8", "<U4", "|S8", "<M8[s]", "|V8", ""] {
            expectRefusal("little-endian f2", array(literal(type, "(1,)"), eight))
        }
        expectRefusal("4 bytes for shape [1]", array(literal("<f4", "(1,)"), eight))
        expectRefusal("12 bytes for shape [3]", array(literal("<f4", "(3,)"), eight))
        expectRefusal("2^63 bits", array(literal("<f4", "(4294967296, 4294967296)"), eight))
        expectRefusal("2^63 bits", array(literal("<f4", "(4294967296, 4294967296, 0)"), []))
        expectRefusal(
            "at most 32 axes", array(literal("|u1", "(" + String(repeating: "1, ", count: 33) + ")"), [1]))
        expectRefusal("a multiple of their size", array(literal("<f8", "(1,)"), eight, padsTo: 1))
    }

    @Test func archivesHoldArraysAlone() throws {
        let one = array(literal("|u1", "(8,)"), eight)
        let long = array(literal("|u1", "(8,)"), eight, version: 2, padsTo: 1 << 16)
        let archive = HandMadeZip([.init(name: "a/w.npy", data: one), .init(name: "b.npy", data: long)])
        let file = try NumPyFile(ZipArchive(ByteSource(archive.bytes(), name: "t.npz")))
        #expect(file.entries.map(\.name) == ["a/w", "b"])
        #expect(try file.bytes(of: "a/w") == eight && file.bytes(of: "b") == eight)
        #expect(file.find("c") == nil)
        for name in ["readme.txt", ".npy"] {
            let other = HandMadeZip([.init(name: name, data: one)])
            #expect(throws: DataError.self) { try NumPyFile(ZipArchive(ByteSource(other.bytes(), name: "t.npz"))) }
        }
        var damaged = archive.bytes()
        damaged[37 + one.count - 1] ^= 1
        let broken = try NumPyFile(ZipArchive(ByteSource(damaged, name: "t.npz")))
        #expect(throws: DataError.self) { try broken.bytes(of: "a/w") }
    }

    @Test func noCutIsReadAndNoChangeCrashes() throws {
        let good = array(literal("<f4", "(2,)"), eight)
        for count in good.indices { #expect(throws: DataError.self) { try open(Array(good[0..<count])) } }
        for index in good.indices {
            for value in UInt8.min...UInt8.max {
                var bytes = good
                bytes[index] = value
                _ = try? open(bytes).bytes(of: "arr_0")
            }
        }
    }
}
