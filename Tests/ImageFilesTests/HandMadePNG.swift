/// A PNG written by the book with stored deflate blocks, so that tests can choose depth, colour type and filters.
struct HandMadePNG {
    var height: Int
    var width: Int
    var bitDepth: Int
    var colourType: Int
    /// Unfiltered rows, packed as in the file.
    var rows: [[UInt8]]
    var filters: [Int]
    var palette: [UInt8] = []

    var bytes: [UInt8] {
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

    static func word(_ value: Int) -> [UInt8] { [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: value >> $0) } }

    static func chunk(_ name: String, _ payload: [UInt8]) -> [UInt8] {
        let body = Array(name.utf8) + payload
        var crc: UInt32 = 0xFFFF_FFFF
        for byte in body {
            crc ^= UInt32(byte)
            for _ in 0..<8 { crc = crc & 1 == 1 ? (crc >> 1) ^ 0xEDB8_8320 : crc >> 1 }
        }
        return word(payload.count) + body + word(Int(~crc))
    }

    private static func stored(_ data: [UInt8]) -> [UInt8] {
        precondition(data.count < 65536)
        let length = UInt16(data.count)
        var stream: [UInt8] = [0x78, 0x01, 1]
        stream += [UInt8(length & 255), UInt8(length >> 8), UInt8(~length & 255), UInt8(~length >> 8)]
        var (low, high): (UInt32, UInt32) = (1, 0)
        for byte in data {
            low = (low + UInt32(byte)) % 65521
            high = (high + low) % 65521
        }
        return stream + data + word(Int(high << 16 | low))
    }
}
