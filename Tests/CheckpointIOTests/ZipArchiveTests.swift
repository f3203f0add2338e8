import SafeFiles
import TestSupport
import Testing

@testable import CheckpointIO

@Suite struct ZipArchiveTests {
    private func open(_ bytes: [UInt8]) throws(DataError) -> ZipArchive {
        try ZipArchive(ByteSource(bytes, name: "t.zip"))
    }

    private func expectRefusal(
        _ part: String, _ bytes: [UInt8], _ location: SourceLocation = #_sourceLocation
    ) {
        do throws(DataError) {
            let archive = try open(bytes)
            for entry in archive.entries { try archive.stream(entry) { _, _ in } }
            Issue.record("was read; expected a refusal with '\(part)'", sourceLocation: location)
        } catch {
            let isRight = error.kind == .malformed && error.file == "t.zip" && error.description.contains(part)
            #expect(isRight, "\(error) does not hold '\(part)'", sourceLocation: location)
        }
    }

    private func expectRefusal(
        _ part: String, _ location: SourceLocation = #_sourceLocation, _ change: (inout HandMadeZip) -> Void
    ) {
        var zip = two
        change(&zip)
        expectRefusal(part, zip.bytes(), location)
    }

    private let two = HandMadeZip([
        .init(name: "a", data: Array("hello".utf8)), .init(name: "b/c", data: [1, 2, 3], padding: 9),
    ])
    /// Deflate: one final block of fixed codes, "aaaaaaaaaa".
    private let deflated: [UInt8] = [0x4B, 0x84, 0x03, 0x00]
    private let ten = Array("aaaaaaaaaa".utf8)

    @Test func checksumsAreThoseOfTheStandard() {
        #expect(CRC32.of(Array("123456789".utf8)) == 0xCBF4_3926)
        let bytes = (0..<1000).map { UInt8(truncatingIfNeeded: $0 * 7) }
        for cut in 0..<40 {
            var sum = CRC32()
            bytes[0..<cut].withUnsafeBytes { sum.update($0) }
            bytes[cut...].withUnsafeBytes { sum.update($0) }
            #expect(sum.value == CRC32.of(bytes))
        }
    }

    @Test func storedAndDeflatedEntriesAreRead() throws {
        var zip = two
        zip.entries.append(.init(name: "d", data: deflated, method: 8, size: 10, crc: CRC32.of(ten)))
        zip.entries.append(.init(name: "wide", data: [9], isWide: true))
        for isWide in [false, true] {
            zip.isWide = isWide
            let archive = try open(zip.bytes())
            #expect(archive.entries.map(\.name) == ["a", "b/c", "d", "wide"])
            #expect(try archive.bytes(of: archive["a"]!, limit: 5) == Array("hello".utf8))
            #expect(try archive.bytes(of: archive["b/c"]!, limit: 5) == [1, 2, 3])
            #expect(try archive.bytes(of: archive["d"]!, limit: 10) == ten)
            #expect(try archive.prefix(of: archive["d"]!, 4) == Array("aaaa".utf8))
            #expect(try archive.bytes(of: archive["wide"]!, limit: 1) == [9])
            #expect(throws: DataError.self) { try archive.bytes(of: archive["a"]!, limit: 4) }
            #expect(archive["x"] == nil)
        }
        #expect(try open(HandMadeZip([]).bytes()).entries.isEmpty)
    }

    @Test func theEndHasOneForm() {
        expectRefusal("22 bytes", [])
        expectRefusal("end record") { $0.comment = Array("hi".utf8) }
        expectRefusal("end record", two.bytes() + [0])
        expectRefusal("a directory that ends at byte") { $0.gap = [0] }
        expectRefusal("with its last entry") { $0.claimedCount = 1 }
        expectRefusal("directory of 3 entries") { $0.claimedCount = 3 }
        expectRefusal("directory of 60000 entries") { $0.claimedCount = 60_000 }
        expectRefusal("at most 100000 entries") {
            $0.isWide = true
            $0.claimedCount = 100_001
        }
        expectRefusal("at most 100000 entries") {
            $0.isWide = true
            $0.claimedCount = .max
        }
        var parts = two.bytes()
        parts[parts.count - 18] = 1
        expectRefusal("one part", parts)
        var other = two.bytes()
        other[other.count - 22 - 96] = 0
        expectRefusal("a directory record", other)
    }

    @Test func theWideEndAgreesWithTheShortOne() {
        var zip = two
        zip.isWide = true
        let good = zip.bytes()
        func changed(_ fromEnd: Int) -> [UInt8] {
            var bytes = good
            bytes[bytes.count - fromEnd] &+= 1
            return bytes
        }
        expectRefusal("right before its locator", changed(34))
        expectRefusal("56 bytes", changed(98))
        expectRefusal("56 bytes", changed(94))
        expectRefusal("two end records that agree", changed(14))
        expectRefusal("a directory that ends", changed(58))
        expectRefusal("a directory that ends", changed(50))
    }

    @Test func headersAgreeWithTheDirectory() {
        expectRefusal("local header of the same name") { $0.entries[0].localName = "x" }
        expectRefusal("local header of the same name") { $0.entries[0].localName = "ab" }
        expectRefusal("flags and method") { $0.entries[0].localFlags = 0 }
        expectRefusal("flags and method") { $0.entries[0].localMethod = 8 }
        expectRefusal("sizes and checksum") { $0.entries[0].localSize = 4 }
        expectRefusal("local header before byte") { $0.entries[0].offset = 1 << 30 }
        expectRefusal("a local header of the same name") { $0.entries[0].offset = 3 }
        expectRefusal("stored bytes") { $0.entries[0].size = 6 }
        for flag in [0, 4, 5, 6, 13] as [UInt16] {
            expectRefusal("without encryption") { $0.entries[1].flags |= 1 << flag }
        }
        for method in [1, 9, 12, 14, 93, 99] as [UInt16] {
            expectRefusal("stored or deflated") { $0.entries[1].method = method }
        }
    }

    @Test func namesDifferAndAreText() {
        expectRefusal("'a' twice") { $0.entries[1].name = "a" }
        expectRefusal("a name of 1 to") { $0.entries[1].name = "" }
        expectRefusal("a name of 1 to") { $0.entries[1].name = "a\0b" }
        expectRefusal("a name of 1 to") { $0.entries[1].name = String(repeating: "n", count: 4097) }
        var bytes = two.bytes()
        bytes[bytes.lastIndex(of: UInt8(ascii: "c"))!] = 0xFF
        expectRefusal("in UTF-8", bytes)
    }

    /// One file's bytes under two names: the trick of archives that inflate without end.
    @Test func entriesDoNotOverlap() {
        expectRefusal("do not overlap") { zip in
            zip.entries = [.init(name: "a", data: [1, 2, 3, 4]), .init(name: "a", data: [])]
            var inner = HandMadeZip([.init(name: "b", data: [7])]).bytes()
            inner.removeLast(22 + 47)
            zip.entries[0].data = inner
            zip.entries[1] = .init(name: "b", data: [7], offset: 31)
        }
        // Two directory entries of one local header: the names must agree, so they are the same twice.
        expectRefusal("twice") { zip in zip.entries[1] = .init(name: "a", data: Array("hello".utf8), offset: 0) }
        // Data that reach past the next header.
        var bytes = two.bytes()
        let directory = bytes.count - 22 - 46 - 3 - 46 - 1
        for place in [18, 22, directory + 20, directory + 24] { bytes[place] = 40 }
        expectRefusal("do not overlap", bytes)
    }

    @Test func damagedDataAreFound() {
        var bytes = two.bytes()
        bytes[33] ^= 1
        expectRefusal("data with checksum", bytes)
        expectRefusal("data with checksum") {
            $0.entries[1].flags = 0x808
            $0.entries[1].crc = 5
        }
        expectRefusal("inflated bytes") {
            $0.entries[1] = .init(name: "d", data: [0xFF, 0xFF, 0xFF], method: 8, size: 10, crc: 1)
        }
        expectRefusal("11 inflated bytes") { zip in
            zip.entries[1] = .init(name: "d", data: deflated, method: 8, size: 11, crc: CRC32.of(ten))
        }
        expectRefusal("9 inflated bytes") { zip in
            zip.entries[1] = .init(name: "d", data: deflated, method: 8, size: 9, crc: CRC32.of(Array(ten.dropLast())))
        }
        expectRefusal("10 inflated bytes") { zip in
            zip.entries[1] = .init(name: "d", data: deflated, method: 8, size: 10, crc: 1)
        }
    }

    @Test func inflatingIsLimited() throws {
        expectRefusal("at most 200 inflated bytes for one") { zip in
            zip.entries[1] = .init(name: "d", data: deflated, method: 8, size: 200 << 20, crc: 1)
        }
        var zip = two
        zip.entries[1] = .init(name: "d", data: deflated, method: 8, size: 1 << 20, crc: 1)
        _ = try open(zip.bytes())
    }

    @Test func everyCutIsRefusedAndNoChangeCrashes() throws {
        var zip = two
        zip.entries.append(.init(name: "d", data: deflated, method: 8, size: 10, crc: CRC32.of(ten)))
        zip.isWide = true
        let good = zip.bytes()
        for count in good.indices {
            #expect(throws: DataError.self) { try open(Array(good[0..<count])) }
        }
        for index in good.indices {
            for value in [0, 1, 8, 0x7F, 0x80, 0xFF] as [UInt8] {
                var bytes = good
                bytes[index] = value
                guard let archive = try? open(bytes) else { continue }
                for entry in archive.entries { try? archive.stream(entry) { _, _ in } }
            }
        }
    }

    /// As many entries as are let in, opened and listed.
    @Test func aHundredThousandEntriesAreRead() throws {
        var zip = HandMadeZip((0..<100_000).map { .init(name: "\($0)", data: []) })
        zip.isWide = true
        #expect(try open(zip.bytes()).entries.count == 100_000)
    }
}
