import TestSupport

extension BadFile {
    /// Archives that are damaged, or that two readers could read in two ways.
    static func zips() -> [BadFile] {
        let pickle = PickleText.state(PickleText.tensor())
        func file(_ name: String, _ change: (inout HandMadeZip) -> Void) -> BadFile {
            BadFile(
                name: "zip-\(name)", file: "w.pth", reader: .checkpoint, bytes: PickleText.file(pickle, change))
        }
        let whole = PickleText.file(pickle)
        let files = [
            file("comment") { $0.comment = Array("hello".utf8) }, file("gap") { $0.gap = [0, 0, 0, 0] },
            file("count-more") { $0.claimedCount = 9 }, file("count-fewer") { $0.claimedCount = 1 },
            file("count-bomb") { $0.claimedCount = 60_000 },
            file("wide-count-bomb") {
                $0.isWide = true
                $0.claimedCount = 1 << 40
            },
            file("encrypted") { $0.entries[0].flags = 0x801 }, file("patched") { $0.entries[0].flags = 0x820 },
            file("method") { $0.entries[0].method = 12 }, file("method-bzip2") { $0.entries[2].method = 14 },
            file("local-name") { $0.entries[0].localName = "model/DATA.pkl" },
            file("local-flags") { $0.entries[0].localFlags = 0 },
            file("local-method") { $0.entries[0].localMethod = 8 },
            file("local-size") { $0.entries[0].localSize = 3 }, file("checksum") { $0.entries[0].crc = 7 },
            file("storage-checksum") { $0.entries[2].crc = 7 }, file("stored-size") { $0.entries[2].size = 25 },
            file("overlap") { $0.entries[2].offset = 0 }, file("offset-past-end") { $0.entries[2].offset = 1 << 30 },
            file("twice") { $0.entries.append($0.entries[0]) }, file("no-pickle") { $0.entries.removeFirst() },
            file("two-folders") { $0.entries[2].name = "other/data/0" },
            file("parent-name") { $0.entries[2].name = "model/../data/0" },
            file("absolute-name") { $0.entries[2].name = "/model/data/0" },
            file("backslash-name") { $0.entries[2].name = "model\\data\\0" },
            file("big-endian") { $0.entries[1].data = Array("big".utf8) },
            // 100 MB of zeros, by the directory; the data are none.
            file("bomb") {
                $0.entries[2].method = 8
                $0.entries[2].size = 100 << 20
            },
            file("no-deflate") {
                $0.entries[2].method = 8
                $0.entries[2].size = 24
            },
            file("empty") { $0.entries = [] },
            BadFile(
                name: "zip-tail", file: "w.pth", reader: .checkpoint, bytes: whole + Array("more".utf8)),
            BadFile(
                name: "zip-twice-in-one", file: "w.pth", reader: .checkpoint, bytes: whole + whole),
        ]
        return files + cuts(of: whole, 20, "zip", "w.pth", .checkpoint)
            + flips(
                of: whole, at: Array(stride(from: 0, to: whole.count, by: 29)), "zip", "w.pth", .checkpoint,
                isSure: false)
            + otherFormats()
    }

    /// Checkpoints of formats that are not read, named so that the ending lies.
    private static func otherFormats() -> [BadFile] {
        var tar = TarWriter()
        tar.add("storages", "x")
        let starts: KeyValuePairs<String, [UInt8]> = [
            "gzip": [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 3], "hdf5": [0x89] + Array("HDF\r\n\u{1A}\n".utf8) + [0, 0],
            // CVE-2025-32434 came through the reader of tar files; there is none here.
            "tar": tar.archive, "pickle": PickleText.pickle(PickleText.op("}")),
            "lfs": Array("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 3\n".utf8),
            "html": Array("<html>Not found</html>\n".utf8), "nothing": [],
            "zeros": [UInt8](repeating: 0, count: 4096), "ones": [UInt8](repeating: 0xFF, count: 4096),
        ]
        return starts.map {
            BadFile(name: "checkpoint-\($0.key)", file: "w.safetensors", reader: .checkpoint, bytes: $0.value)
        }
    }

    /// NumPy's arrays, alone and in archives.
    static func numPy() -> [BadFile] {
        let literals: KeyValuePairs<String, (String, Int)> = [
            "objects": ("{'descr': '|O', 'fortran_order': False, 'shape': (1,), }", 8),
            "structured": ("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,), }", 4),
            "big-endian": ("{'descr': '>f4', 'fortran_order': False, 'shape': (1,), }", 4),
            "text": ("{'descr': '<U4', 'fortran_order': False, 'shape': (1,), }", 16),
            "complex": ("{'descr': '<c8', 'fortran_order': False, 'shape': (1,), }", 8),
            "call": ("{'descr': __import__('os').system('true'), 'fortran_order': False, 'shape': (1,), }", 4),
            "extra": ("{'descr': '<f4', 'fortran_order': False, 'shape': (1,), 'x': 1, }", 4),
            "missing": ("{'descr': '<f4', 'shape': (1,), }", 4),
            "order": ("{'descr': '<f4', 'fortran_order': 0, 'shape': (1,), }", 4),
            "negative": (shaped("(-1,)"), 4), "overflow": (shaped("(4294967296, 4294967296)"), 4),
            "bomb": (shaped("(1000000000000,)"), 4), "digits": (shaped("(99999999999999999999,)"), 4),
            "short": (shaped("(2,)"), 4), "long": (shaped("(1,)"), 8), "no-comma": (shaped("(1)"), 4),
            "rank-33": (shaped("(" + String(repeating: "1,", count: 33) + ")"), 4), "list": (shaped("[1]"), 4),
            "twice": ("{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (1,), }", 4),
            "nothing": ("", 0), "deep": (String(repeating: "(", count: 5000), 4),
        ]
        var files = literals.map {
            BadFile(
                name: "npy-\($0.key)", file: "a.npy", reader: .checkpoint, bytes: array($0.value.0, data: $0.value.1))
        }
        let good = array(shaped("(3,)"), data: 12)
        for (name, place, value) in [("version-0", 6, 0), ("version-9", 6, 9), ("minor", 7, 1), ("length", 9, 0xFF)] {
            var bytes = good
            bytes[place] = UInt8(value)
            files.append(.init(name: "npy-\(name)", file: "a.npy", reader: .checkpoint, bytes: bytes))
        }
        let archives: KeyValuePairs<String, HandMadeZip> = [
            "objects": HandMadeZip([
                .init(name: "a.npy", data: array("{'descr': '|O', 'fortran_order': False, 'shape': (1,), }", data: 8))
            ]),
            "no-array": HandMadeZip([.init(name: "a.npy", data: Array("hello".utf8))]),
            "other-name": HandMadeZip([.init(name: "a.npy", data: good), .init(name: "b.txt", data: [1])]),
            "checksum": HandMadeZip([.init(name: "a.npy", data: good, crc: 1)]),
            "bomb": HandMadeZip([.init(name: "a.npy", data: good, method: 8, size: 1 << 30)]),
            "only-ending": HandMadeZip([.init(name: ".npy", data: good)]),
            "twice": HandMadeZip([.init(name: "a.npy", data: good), .init(name: "a.npy", data: good)]),
        ]
        files += archives.map {
            BadFile(name: "npz-\($0.key)", file: "a.npz", reader: .checkpoint, bytes: $0.value.bytes())
        }
        return files + cuts(of: good, 10, "npy", "a.npy", .checkpoint)
    }

    private static func shaped(_ shape: String) -> String {
        "{'descr': '<f4', 'fortran_order': False, 'shape': \(shape), }"
    }

    private static func array(_ literal: String, data: Int) -> [UInt8] {
        let length = (literal.utf8.count + 11 + 63) / 64 * 64 - 10
        let text = literal + String(repeating: " ", count: length - literal.utf8.count - 1) + "\n"
        return [0x93] + Array("NUMPY".utf8) + [1, 0] + littleEndian(UInt16(length)) + Array(text.utf8)
            + [UInt8](repeating: 0, count: data)
    }
}
