import Testing

@testable import EvaluationHarness

@Suite struct CRC32CTests {
    /// RFC 3720, appendix B.4, and the customary check value.
    @Test func knownVectors() {
        #expect(CRC32C.checksum(Array("123456789".utf8)) == 0xE306_9283)
        #expect(CRC32C.checksum([UInt8](repeating: 0, count: 32)) == 0x8A91_36AA)
        #expect(CRC32C.checksum([UInt8](repeating: 0xFF, count: 32)) == 0x62A8_AB43)
        #expect(CRC32C.checksum(0..<32) == 0x46DD_794E)
        #expect(CRC32C.checksum((0..<32).reversed()) == 0x113F_DB5C)
        #expect(CRC32C.checksum([]) == 0)
    }

    /// The mask of the record format: rotate right by 15, add 0xa282ead8.
    @Test func maskIsRotationPlusConstant() {
        #expect(CRC32C.masked([]) == 0xA282_EAD8)
        let plain = CRC32C.checksum(Array("123456789".utf8))
        let rotated = (plain >> 15) | (plain << 17)
        #expect(CRC32C.masked(Array("123456789".utf8)) == rotated &+ 0xA282_EAD8)
    }
}
