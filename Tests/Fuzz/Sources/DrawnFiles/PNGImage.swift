/// PNG files whose checksums are right.
public enum PNGImage {
    /// A file of one IHDR, an optional palette, and rows as they stand before compression, each with its filter first.
    public static func draw(
        height: UInt32, width: UInt32, depth: UInt8, colourType: UInt8, interlace: UInt8, palette: [UInt8],
        filteredRows: [UInt8]
    ) -> [UInt8] {
        var file: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 13, 10, 26, 10]
        file += chunk(
            "IHDR", width.bigEndianBytes + height.bigEndianBytes + [depth, colourType, 0, 0, interlace])
        if !palette.isEmpty { file += chunk("PLTE", palette) }
        let rows = filteredRows.prefix(0xFFFF)
        let length = UInt16(rows.count)
        var stream: [UInt8] = [0x78, 0x01, 1] + length.littleEndianBytes + (~length).littleEndianBytes
        stream += rows + Checksum.adler32(Array(rows)).bigEndianBytes
        let cut = stream.count / 3
        return file + chunk("IDAT", Array(stream[..<cut])) + chunk("IDAT", Array(stream[cut...])) + chunk("IEND", [])
    }

    /// The file with the right checksum behind every chunk.
    public static func mend(_ bytes: [UInt8]) -> [UInt8] {
        var file = bytes
        var place = 8
        while let length = bytes.big(at: place), Int(length) <= bytes.count - place - 12 {
            let end = place + 8 + Int(length)
            file.replaceSubrange(end..<end + 4, with: Checksum.crc32(bytes[place + 4..<end]).bigEndianBytes)
            place = end + 4
        }
        return file
    }

    private static func chunk(_ name: String, _ payload: [UInt8]) -> [UInt8] {
        let body = Array(name.utf8) + payload
        return UInt32(payload.count).bigEndianBytes + body + Checksum.crc32(body[...]).bigEndianBytes
    }
}
