import ImageFiles
import TestSupport

extension BadFile {
    /// Tar archives of pictures with classes.
    static func shards() -> [BadFile] {
        let jpeg = JPEGFile.encode(picture(), quality: 80)
        func file(_ name: String, _ members: (inout TarWriter) -> Void) -> BadFile {
            var tar = TarWriter()
            members(&tar)
            return BadFile(name: "shards-\(name)", file: "a.tar", reader: .shards, bytes: tar.archive)
        }
        func sample(_ name: String, _ change: @escaping (inout [UInt8]) -> Void) -> BadFile {
            file(name) {
                $0.add("a.jpg", jpeg, change)
                $0.add("a.cls", "0")
            }
        }
        func named(_ name: String, _ member: String) -> BadFile {
            file("name-\(name)") {
                $0.add(member + ".jpg", jpeg)
                $0.add(member + ".cls", "0")
            }
        }
        func put(_ text: String, at place: Int) -> (inout [UInt8]) -> Void {
            { header in header.replaceSubrange(place..<place + text.utf8.count, with: Array(text.utf8)) }
        }
        var whole = TarWriter()
        whole.add("a.jpg", jpeg)
        whole.add("a.cls", "1")
        var flipped = whole.archive
        flipped[3] ^= 4
        let shapes: [BadFile] = [
            file("nothing") { _ in }, file("text-alone") { $0.add("a.txt", "hello") },
            file("no-class") { $0.add("a.jpg", jpeg) },
            file("no-picture") { $0.add("a.cls", "0") },
            file("class-text") {
                $0.add("a.jpg", jpeg)
                $0.add("a.cls", "cat")
            },
            file("class-negative") {
                $0.add("a.jpg", jpeg)
                $0.add("a.cls", "-1")
            },
            file("class-large") {
                $0.add("a.jpg", jpeg)
                $0.add("a.cls", "99999999999")
            },
            file("two-pictures") {
                $0.add("a.jpg", jpeg)
                $0.add("a.png", jpeg)
                $0.add("a.cls", "0")
            },
            file("two-classes") {
                $0.add("a.jpg", jpeg)
                $0.add("a.cls", "0")
                $0.add("a.cls", "1")
            },
            file("link") {
                $0.add("a.jpg", type: "2", put("/etc/passwd", at: 157))
                $0.add("a.cls", "0")
            },
            file("hard-link") {
                $0.add("a.jpg", type: "1", put("b.jpg", at: 157))
                $0.add("a.cls", "0")
            },
            file("sparse") {
                $0.add("a.jpg", jpeg, type: "S")
                $0.add("a.cls", "0")
            }, file("name-not-utf8") { $0.add("a.jpg", jpeg) { $0[0] = 0xFF } },
            file("long-name-alone") { $0.add("././@LongLink", Array("x.jpg".utf8), type: "L") },
            file("long-name-large") {
                $0.add("././@LongLink", [UInt8](repeating: 97, count: (1 << 20) + 1), type: "L")
            },
            file("records-broken") {
                $0.add("PaxHeaders/x", Array("99 path=a.jpg\n".utf8), type: "x")
                $0.add("a.jpg", jpeg)
            },
            file("records-size") {
                $0.addWithRecords([("size", "999999999999")], "a.jpg", jpeg)
            },
            sample("size-octal", put("9999999999z", at: 124)), sample("size-past-end", put("77777777777", at: 124)),
            sample("size-negative") { $0[124] = 0xFF },
            sample("size-wide") {
                $0[124] = 0x80; $0[125] = 0x7F
            },
            named("parent", "../a"), named("absolute", "/a"), named("backslash", "b\\a"),
            named("inner-parent", "b/../a"),
            BadFile(name: "shards-checksum", file: "a.tar", reader: .shards, bytes: flipped),
            BadFile(name: "shards-no-end", file: "a.tar", reader: .shards, bytes: whole.bytes),
            BadFile(name: "shards-two-in-one", file: "a.tar", reader: .shards, bytes: whole.archive + whole.archive),
            BadFile(name: "shards-gzip", file: "a.tar", reader: .shards, bytes: [0x1F, 0x8B, 8, 0, 0, 0, 0, 0]),
            BadFile(name: "shards-picture", file: "a.tar", reader: .shards, bytes: jpeg),
            file("bad-picture") {
                $0.add("a.jpg", Array(jpeg[..<200]))
                $0.add("a.cls", "0")
            },
        ]
        return shapes + cuts(of: whole.bytes, 12, "shards", "a.tar", .shards)
    }
}
