/// A PNG written by the book with stored deflate blocks, so that tests can choose depth, colour type and filters.
public struct HandMadePNG {
    public var height: Int
    public var width: Int
    public var bitDepth: Int
    public var colourType: Int
    /// Unfiltered rows, packed as in the file.
    public var rows: [[UInt8]]
    public var filters: [Int]
    public var palette: [UInt8] = []

    public init(
        height: Int, width: Int, bitDepth: Int, colourType: Int, rows: [[UInt8]], filters: [Int], palette: [UInt8] = []
    ) {
        (self.height, self.width, self.bitDepth) = (height, width, bitDepth)
        (self.colourType, self.rows, self.filters, self.palette) = (colourType, rows, filters, palette)
    }

    public var bytes: [UInt8] {
        var file: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 13, 10, 26, 10]
        let interlace: [UInt8] = [UInt8(bitDepth), UInt8(colourType), 0, 0, 0]
        file += Self.chunk("IHDR", Self.word(width) + Self.word(height) + interlace)
        if !palette.isEmpty { file += Self.chunk("PLTE", palette) }
        let stream = Self.stored(filtered())
        let half = stream.count / 2
        file += Self.chunk("IDAT", Array(stream[..<half])) + Self.chunk("IDAT", Array(stream[half...]))
        return file + Self.chunk("IEND", [])
    }

    private func filtered() -> [UInt8] {
        let channels = [0: 1, 2: 3, 3: 1, 4: 2, 6: 4][colourType]!
        let step = max(1, channels * bitDepth / 8)
        var above = [UInt8](repeating: 0, count: rows[0].count)
        var result: [UInt8] = []
        for (row, filter) in zip(rows, filters) {
            result.append(UInt8(filter))
            for n in row.indices {
                let left = n >= step ? Int(row[n - step]) : 0
                let up = Int(above[n])
                let corner = n >= step ? Int(above[n - step]) : 0
                let estimate = left + up - corner
                let distances = [
                    (abs(estimate - left), left), (abs(estimate - up), up), (abs(estimate - corner), corner),
                ]
                let paeth = distances.min { $0.0 < $1.0 }!.1
                let prediction = [0, left, up, (left + up) / 2, paeth][filter]
                result.append(row[n] &- UInt8(truncatingIfNeeded: prediction))
            }
            above = row
        }
        return result
    }

    public static func word(_ value: Int) -> [UInt8] { [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: value >> $0) } }

    public static func chunk(_ name: String, _ payload: [UInt8]) -> [UInt8] {
        let body = Array(name.utf8) + payload
        return word(payload.count) + body + word(Int(StoredSum.crc32(body)))
    }

    private static func stored(_ data: [UInt8]) -> [UInt8] {
        precondition(data.count < 65536)
        let length = UInt16(data.count)
        var stream: [UInt8] = [0x78, 0x01, 1]
        stream += [UInt8(length & 255), UInt8(length >> 8), UInt8(~length & 255), UInt8(~length >> 8)]
        return stream + data + word(Int(StoredSum.adler32(data)))
    }
}
