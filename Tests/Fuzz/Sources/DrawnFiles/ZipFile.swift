/// Zip archives whose checksums are right.
public enum ZipFile {
    /// An archive of stored entries.
    public static func draw(_ entries: [(name: [UInt8], data: [UInt8])]) -> [UInt8] {
        var (file, directory): ([UInt8], [UInt8]) = ([], [])
        for entry in entries {
            let size = UInt32(entry.data.count).littleEndianBytes
            var common = UInt16(20).littleEndianBytes + UInt16(0x800).littleEndianBytes + [0, 0, 0, 0, 0, 0]
            common += Checksum.crc32(entry.data[...]).littleEndianBytes + size + size
            common += UInt16(entry.name.count).littleEndianBytes + [0, 0]
            directory += UInt32(0x0201_4B50).littleEndianBytes + UInt16(20).littleEndianBytes + common
            directory += [UInt8](repeating: 0, count: 10) + UInt32(file.count).littleEndianBytes + entry.name
            file += UInt32(0x0403_4B50).littleEndianBytes + common + entry.name + entry.data
        }
        let count = UInt16(entries.count).littleEndianBytes
        let end = UInt32(directory.count).littleEndianBytes + UInt32(file.count).littleEndianBytes + [0, 0]
        return file + directory + UInt32(0x0605_4B50).littleEndianBytes + [0, 0, 0, 0] + count + count + end
    }

    /// The archive with the right checksum, in directory and local header, of every stored entry that can be found.
    public static func mend(_ archive: [UInt8]) -> [UInt8] {
        var file = archive
        for place in archive.indices where archive.little(at: place) == 0x0201_4B50 {
            guard let offset = archive.little(at: place + 42), let size = archive.little(at: place + 20),
                archive.little(at: Int(offset)) == 0x0403_4B50, let lengths = archive.little(at: Int(offset) + 26)
            else { continue }
            let start = Int(offset) + 30 + Int(lengths & 0xFFFF) + Int(lengths >> 16)
            guard start + Int(size) <= archive.count, archive[place + 10] == 0 else { continue }
            let sum = Checksum.crc32(archive[start..<start + Int(size)]).littleEndianBytes
            file.replaceSubrange(place + 16..<place + 20, with: sum)
            file.replaceSubrange(Int(offset) + 14..<Int(offset) + 18, with: sum)
        }
        return file
    }
}
