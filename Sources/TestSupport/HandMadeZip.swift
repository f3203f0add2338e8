/// Zip archives written by hand; every field can be wrong.
public struct HandMadeZip {
    public struct Entry {
        public var name: String
        /// The bytes in the archive.
        public var data: [UInt8]
        public var method: UInt16 = 0
        public var flags: UInt16 = 0x800
        /// Bytes before compression; those of `data` when absent.
        public var size: Int?
        /// The right checksum when absent.
        public var crc: UInt32?
        /// What the local header says instead.
        public var localName: String?
        public var localFlags: UInt16?
        public var localMethod: UInt16?
        public var localSize: UInt32?
        /// Bytes of padding in the local header's extra field.
        public var padding = 0
        /// Where the directory says that the local header starts, when wrong.
        public var offset: Int?
        /// Sizes and offset in a zip64 field.
        public var isWide = false
        /// Zero bytes after `data` that are never written: a hole of the file.
        public var hole = 0

        public init(
            name: String, data: [UInt8], method: UInt16 = 0, flags: UInt16 = 0x800, size: Int? = nil,
            crc: UInt32? = nil, localName: String? = nil, localFlags: UInt16? = nil, localMethod: UInt16? = nil,
            localSize: UInt32? = nil, padding: Int = 0, offset: Int? = nil, isWide: Bool = false, hole: Int = 0
        ) {
            (self.name, self.data, self.method, self.flags) = (name, data, method, flags)
            (self.size, self.crc, self.localName, self.localFlags) = (size, crc, localName, localFlags)
            (self.localMethod, self.localSize, self.padding) = (localMethod, localSize, padding)
            (self.offset, self.isWide, self.hole) = (offset, isWide, hole)
        }

        fileprivate var storedSize: Int { data.count + hole }
    }

    public var entries: [Entry] = []
    /// Zip64 end records before the short one.
    public var isWide = false
    public var comment: [UInt8] = []
    /// The number of entries that the end record claims, when wrong.
    public var claimedCount: Int?
    /// Bytes between the directory and its end record.
    public var gap: [UInt8] = []

    public init(_ entries: [Entry]) { self.entries = entries }

    /// The file of an archive without holes.
    public func bytes() -> [UInt8] { pieces()[0].bytes }

    /// The file in pieces; holes lie between them.
    public func pieces() -> [(offset: Int, bytes: [UInt8])] {
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
        header += [0, 0, 0, 0] + littleEndian(entry.crc ?? StoredSum.crc32(entry.data))
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
        header += littleEndian(entry.crc ?? StoredSum.crc32(entry.data))
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

extension HandMadeZip {
    /// A checkpoint as `torch.save` lays it out: the pickle, and the bytes of each storage.
    public static func checkpoint(_ pickle: [UInt8], storages: [String: [UInt8]]) -> HandMadeZip {
        var zip = HandMadeZip([
            .init(name: "model/data.pkl", data: pickle), .init(name: "model/byteorder", data: Array("little".utf8)),
        ])
        for (key, data) in storages.sorted(by: { $0.key < $1.key }) {
            zip.entries.append(.init(name: "model/data/\(key)", data: data, padding: 7))
        }
        zip.entries.append(.init(name: "model/version", data: Array("3\n".utf8)))
        return zip
    }
}
