import Determinism
import SafeFiles
import TestSupport
import Testing

@testable import DenseData

@Suite struct TarReaderTests {
    /// Names and contents of all files of an archive.
    private func members(_ bytes: [UInt8]) throws -> [(name: String, text: String)] {
        try withTemporaryFolder { folder in
            try AtomicFile.write(bytes, to: folder + "/a.tar", durability: .renamed)
            return try members(at: folder + "/a.tar")
        }
    }

    private func members(at path: String) throws -> [(name: String, text: String)] {
        var reader = try TarReader(path)
        var found: [(String, String)] = []
        while let member = try reader.next() {
            found.append((member.name, String(decoding: try reader.contents(of: member), as: UTF8.self)))
        }
        return found
    }

    private func error(_ bytes: [UInt8]) throws -> DataError? {
        #expect(throws: DataError.self) { try members(bytes) }
    }

    static func fixture(_ name: String) -> String {
        #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(2).joined(separator: "/")
            + "/Fixtures/shards/\(name)"
    }

    /// Archives of Python's tarfile: `Fixtures/shards/make_archives.py`.
    @Test(arguments: ["pax.tar", "gnu.tar"]) func archivesOfPython(_ file: String) throws {
        let found = try members(at: Self.fixture(file))
        let (long, short) = (
            String(repeating: "n", count: 100) + "/" + String(repeating: "k", count: 19),
            file == "pax.tar" ? "short/é" : "short/e"
        )
        #expect(
            found.map(\.name) == [
                "short/notes", "\(long).jpg", "\(long).cls", "\(long).txt", "\(short).jpg", "\(short).cls",
                "\(short).txt",
            ])
        #expect(found.map(\.text)[1...3] == ["picture 0", "3\n", String(repeating: "a", count: 600)])
        #expect(found[4].text == "picture 1")
    }

    @Test func everyWayToNameAMember() throws {
        var tar = TarWriter()
        tar.add("plain", "one")
        tar.add("tail", Array("two".utf8)) { header in
            for (place, byte) in "first/part".utf8.enumerated() { header[345 + place] = byte }
        }
        // GNU keeps something else there.
        tar.add("gnu", Array("three".utf8)) { header in
            for (place, byte) in "ustar  ".utf8.enumerated() { header[257 + place] = byte }
            header[345] = 0x31
        }
        tar.addWithLongName(String(repeating: "l", count: 300), Array("four".utf8))
        tar.addWithRecords([("mtime", "1.5"), ("path", "päx")], "short", Array("five".utf8))
        tar.add("comment", TarWriter.record("path", "for all"), type: "g")
        tar.add("after", "six")
        tar.add("folder/", type: "5")
        tar.add("unknown", Array("passed over".utf8), type: "Z")
        tar.add("last", "seven")
        let found = try members(tar.archive)
        #expect(
            found.map(\.name) == [
                "plain", "first/part/tail", "gnu", String(repeating: "l", count: 300), "päx", "after", "last",
            ])
        #expect(found.map(\.text) == ["one", "two", "three", "four", "five", "six", "seven"])
    }

    @Test func sizesInBase256AndInRecords() throws {
        var tar = TarWriter()
        tar.add("binary", Array("abc".utf8)) { header in
            header.replaceSubrange(124..<136, with: [0x80] + [UInt8](repeating: 0, count: 10) + [3])
        }
        // The header says 0; the records have the size.
        tar.add("PaxHeaders/x", TarWriter.record("size", "4"), type: "x")
        tar.add("late", Array("abcd".utf8)) { header in
            for place in 124..<135 { header[place] = UInt8(ascii: "0") }
        }
        #expect(try members(tar.archive).map(\.text) == ["abc", "abcd"])
    }

    @Test func absurdSizesAreRefused() throws {
        let fields: [[UInt8]] = [
            [0x80] + [UInt8](repeating: 0xff, count: 11), [UInt8](repeating: 0xff, count: 12),
            [0x80, 0, 0, 0, 0x7f] + [UInt8](repeating: 0xff, count: 7), Array("777777777777".utf8),
            Array("12x456789012".utf8), Array("12 34       ".utf8), [0x81] + [UInt8](repeating: 0, count: 11),
        ]
        for field in fields {
            var tar = TarWriter()
            tar.add("a.jpg", "abc")
            tar.add("b.jpg", Array("abc".utf8)) { $0.replaceSubrange(124..<136, with: field) }
            let found = try error(tar.archive)
            #expect(found?.kind == .malformed && found?.file.hasSuffix("a.tar") == true)
            #expect(found?.record?.hasPrefix("byte 1") == true, "\(String(describing: found))")
        }
        for records in ["size=99999999999999999999", "size=-4", "path"] {
            var tar = TarWriter()
            tar.add("x", Array("\(records.utf8.count + 4) \(records)\n".utf8), type: "x")
            tar.add("a", "abc")
            #expect(try error(tar.archive)?.kind == .malformed)
        }
    }

    @Test func archivesThatAreNotWhole() throws {
        var tar = TarWriter()
        tar.add("a", "abc")
        #expect(try error(tar.bytes)?.expected == "a header or the archive's end marker")
        let whole = tar.archive
        for count in stride(from: 0, to: tar.bytes.count + 512, by: 100) {
            #expect(try error(Array(whole.prefix(count)))?.kind == .malformed, "\(count) bytes")
        }
        #expect(try members(Array(whole.prefix(tar.bytes.count + 512))).count == 1)
        #expect(try error(whole + whole)?.found == "more data")
        #expect(try error([0x1f, 0x8b, 8, 0])?.found == "one compressed with gzip")
        #expect(try error(Array("nothing of a tar archive at all".utf8))?.kind == .malformed)
        var orphan = TarWriter()
        orphan.add("././@LongLink", Array("name".utf8), type: "L")
        #expect(try error(orphan.archive)?.expected == "a member after its long name")
        var large = TarWriter()
        large.add("x", [UInt8](repeating: 0, count: (1 << 20) + 1), type: "L")
        #expect(try error(large.archive)?.expected.hasPrefix("a long name of at most") == true)
        #expect(throws: DataError.self) { _ = try TarReader("no/such/file.tar") }
        var text = TarWriter()
        text.add("a") { $0.replaceSubrange(0..<3, with: [0xff, 0xfe, 0x41]) }
        #expect(try error(text.archive)?.expected == "a member's name in UTF-8")
    }

    /// Whatever the bytes are, there is an answer or an error: ends cut off, bits flipped, checksums mended or not.
    @Test func damageNeverEndsInATrap() throws {
        var tar = TarWriter()
        tar.add("a.jpg", "picture")
        tar.addWithLongName(String(repeating: "l", count: 130) + ".jpg", Array("long".utf8))
        tar.addWithRecords([("path", "p.jpg"), ("size", "4")], "short.jpg", Array("five".utf8))
        tar.add("b.cls", "12")
        let whole = tar.archive
        try withTemporaryFolder { folder in
            let path = folder + "/a.tar"
            var (answers, errors) = (0, 0)
            for round in 0..<1500 {
                var stream = RandomStream(seed: 11, purpose: "damage", UInt64(round))
                var bytes = whole
                for _ in 0...stream.int(below: 4) {
                    // Mostly in headers, where it matters.
                    let block = stream.int(below: bytes.count / 512) * 512
                    bytes[block + stream.int(below: 160)] ^= 1 << UInt8(stream.int(below: 8))
                    if stream.chance(0.7) {
                        let header = bytes[block..<block + 512].enumerated()
                        let sum = header.reduce(256) { (148..<156).contains($1.offset) ? $0 : $0 + Int($1.element) }
                        bytes.replaceSubrange(
                            block + 148..<block + 156, with: Array(TarWriter.octal(sum, digits: 7).utf8) + [0])
                    }
                }
                if stream.chance(0.3) { bytes.removeLast(stream.int(below: bytes.count)) }
                try AtomicFile.write(bytes, to: path, durability: .renamed)
                do throws(DataError) {
                    _ = try ShardSamples(path, labels: round % 2 == 0 ? .none : .classes(count: 20))
                    answers += 1
                } catch {
                    #expect(error.kind == .malformed && error.file == path)
                    errors += 1
                }
            }
            #expect(answers > 10 && errors > 100)
        }
    }
}
