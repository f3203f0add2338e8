import SafeFiles

@testable import CheckpointIO

/// Zip archives written by hand; every field can be wrong.
struct HandMadeZip {
    struct Entry {
        var name: String
        /// The bytes in the archive.
        var data: [UInt8]
        var method: UInt16 = 0
        var flags: UInt16 = 0x800
        /// Bytes before compression; those of `data` when absent.
        var size: Int?
        /// The right checksum when absent.
        var crc: UInt32?
        /// What the local header says instead.
        var localName: String?
        var localFlags: UInt16?
        var localMethod: UInt16?
        var localSize: UInt32?
        /// Bytes of padding in the local header's extra field.
        var padding = 0
        /// Where the directory says that the local header starts, when wrong.
        var offset: Int?
        /// Sizes and offset in a zip64 field.
        var isWide = false
        /// Zero bytes after `data` that are never written: a hole of the file.
        var hole = 0

        var storedSize: Int { data.count + hole }
    }

    var entries: [Entry] = []
    /// Zip64 end records before the short one.
    var isWide = false
    var comment: [UInt8] = []
    /// The number of entries that the end record claims, when wrong.
    var claimedCount: Int?
    /// Bytes between the directory and its end record.
    var gap: [UInt8] = []

    init(_ entries: [Entry]) { self.entries = entries }

    /// The file of an archive without holes.
    func bytes() -> [UInt8] { pieces()[0].bytes }

    /// The file in pieces; holes lie between them.
    func pieces() -> [(offset: Int, bytes: [UInt8])] {
        var pieces: [(offset: Int, bytes: [UInt8])] = []
        var (start, file): (Int, [UInt8]) = (0, [])
        var directory: [UInt8] = []
        for entry in entries {
            directory += central(entry, entry.offset ?? start + file.count)
            file += local(entry)
            guard entry.hole > 0 else { continue }
            pieces.append((start, file))
            (start, file) = (start + file.count + entry.hole, [])
        }
        let directoryStart = start + file.count
        file += directory + gap
        file += end(directory.count, directoryStart, endStart: start + file.count)
        return pieces + [(start, file)]
    }

    /// The records behind the directory.
    private func end(_ directoryCount: Int, _ directoryStart: Int, endStart: Int) -> [UInt8] {
        var file: [UInt8] = []
        let count = claimedCount ?? entries.count
        if isWide {
            file += littleEndian(UInt32(0x0606_4B50)) + littleEndian(UInt64(44)) + littleEndian(UInt32(0x2D_002D))
            file += [UInt8](repeating: 0, count: 8) + littleEndian(UInt64(count)) + littleEndian(UInt64(count))
            file += littleEndian(UInt64(directoryCount)) + littleEndian(UInt64(directoryStart))
            file += littleEndian(UInt32(0x0706_4B50)) + littleEndian(UInt32(0)) + littleEndian(UInt64(endStart))
            file += littleEndian(UInt32(1))
        }
        let short = UInt16(truncatingIfNeeded: min(count, 0xFFFF))
        file += littleEndian(UInt32(0x0605_4B50)) + [0, 0, 0, 0] + littleEndian(short) + littleEndian(short)
        file +=
            littleEndian(isWide ? .max : UInt32(directoryCount)) + littleEndian(isWide ? .max : UInt32(directoryStart))
        return file + littleEndian(UInt16(comment.count)) + comment
    }

    private func local(_ entry: Entry) -> [UInt8] {
        let name = Array((entry.localName ?? entry.name).utf8)
        var header = littleEndian(UInt32(0x0403_4B50)) + littleEndian(UInt16(20))
        header += littleEndian(entry.localFlags ?? entry.flags) + littleEndian(entry.localMethod ?? entry.method)
        header += [0, 0, 0, 0] + littleEndian(entry.crc ?? CRC32.of(entry.data))
        header += littleEndian(entry.localSize ?? UInt32(entry.storedSize))
        header +=
            littleEndian(entry.localSize == .max ? .max : UInt32(entry.size ?? entry.storedSize))
            + littleEndian(UInt16(name.count))
        let extra =
            entry.padding == 0
            ? [] : [0x46, 0x42] + littleEndian(UInt16(entry.padding)) + [UInt8](repeating: 0x5A, count: entry.padding)
        return header + littleEndian(UInt16(extra.count)) + name + extra + entry.data
    }

    private func central(_ entry: Entry, _ offset: Int) -> [UInt8] {
        let size = entry.size ?? entry.storedSize
        var header = littleEndian(UInt32(0x0201_4B50)) + littleEndian(UInt16(0x31E)) + littleEndian(UInt16(20))
        header += littleEndian(entry.flags) + littleEndian(entry.method) + [0, 0, 0, 0]
        header += littleEndian(entry.crc ?? CRC32.of(entry.data))
        header += littleEndian(entry.isWide ? .max : UInt32(entry.storedSize))
        header += littleEndian(entry.isWide ? .max : UInt32(size))
        let wide =
            littleEndian(UInt16(1)) + littleEndian(UInt16(24)) + littleEndian(UInt64(size))
            + littleEndian(UInt64(entry.storedSize)) + littleEndian(UInt64(offset))
        let extra = entry.isWide ? wide : []
        header += littleEndian(UInt16(entry.name.utf8.count)) + littleEndian(UInt16(extra.count))
        header += [UInt8](repeating: 0, count: 10) + littleEndian(entry.isWide ? .max : UInt32(offset))
        return header + Array(entry.name.utf8) + extra
    }
}

/// A PyTorch archive around a pickle.
func checkpoint(
    _ pickle: [UInt8], storages: [String: [UInt8]] = ["0": (0..<24).map { UInt8($0) }],
    _ change: (inout HandMadeZip) -> Void = { _ in }
) -> [UInt8] {
    var zip = checkpointZip(pickle, storages: storages)
    change(&zip)
    return zip.bytes()
}

func checkpointZip(_ pickle: [UInt8], storages: [String: [UInt8]]) -> HandMadeZip {
    var zip = HandMadeZip([
        .init(name: "model/data.pkl", data: pickle), .init(name: "model/byteorder", data: Array("little".utf8)),
    ])
    for (key, data) in storages.sorted(by: { $0.key < $1.key }) {
        zip.entries.append(.init(name: "model/data/\(key)", data: data, padding: 7))
    }
    zip.entries.append(.init(name: "model/version", data: Array("3\n".utf8)))
    return zip
}

func openCheckpoint(_ bytes: [UInt8]) throws(DataError) -> PyTorchFile {
    try PyTorchFile(ZipArchive(ByteSource(bytes, name: "t.pth")))
}
