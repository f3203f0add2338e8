/// The checksum of zip archives, over data that comes in pieces.
///
///     polynomial 0x04C11DB7, bits reflected, start and end inverted (CRC-32 of ISO 3309)
///
/// Eight bytes a step from eight tables.
///
/// - Source: Kounavis and Berry 2005, "A systematic approach to building high performance software-based CRC
///   generators" (slicing by 8).
struct CRC32 {
    private var state: UInt32 = .max

    /// The checksum of all bytes so far.
    var value: UInt32 { ~state }

    mutating func update(_ bytes: UnsafeRawBufferPointer) {
        var crc = state
        var index = 0
        Self.tables.withUnsafeBufferPointer { table in
            while bytes.count - index >= 8 {
                let word = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self))
                let low = UInt32(truncatingIfNeeded: word) ^ crc
                let high = UInt32(truncatingIfNeeded: word >> 32)
                let first = table[1792 + Int(low & 255)] ^ table[1536 + Int(low >> 8 & 255)]
                let second = table[1280 + Int(low >> 16 & 255)] ^ table[1024 + Int(low >> 24)]
                let third = table[768 + Int(high & 255)] ^ table[512 + Int(high >> 8 & 255)]
                let fourth = table[256 + Int(high >> 16 & 255)] ^ table[Int(high >> 24)]
                crc = first ^ second ^ third ^ fourth
                index += 8
            }
            while index < bytes.count {
                crc = crc >> 8 ^ table[Int((crc ^ UInt32(bytes[index])) & 255)]
                index += 1
            }
        }
        state = crc
    }

    static func of(_ bytes: [UInt8]) -> UInt32 {
        var sum = CRC32()
        bytes.withUnsafeBytes { sum.update($0) }
        return sum.value
    }

    /// Table k holds the effect of a byte followed by k zero bytes.
    private static let tables: [UInt32] = {
        var tables = [UInt32](repeating: 0, count: 8 * 256)
        for byte in 0..<256 {
            var crc = UInt32(byte)
            for _ in 0..<8 { crc = crc & 1 == 0 ? crc >> 1 : crc >> 1 ^ 0xEDB8_8320 }
            tables[byte] = crc
        }
        for index in 256..<8 * 256 {
            let before = tables[index - 256]
            tables[index] = before >> 8 ^ tables[Int(before & 255)]
        }
        return tables
    }()
}
