import TensorCore
import Testing

@testable import EvaluationHarness

@Suite("Protobuf's wire format") struct ProtobufMessageTests {
    private func bytes(_ body: (inout ProtobufMessage) -> Void) -> [UInt8] {
        var message = ProtobufMessage()
        body(&message)
        #expect(message.encoded.count == message.byteCount)
        return message.encoded
    }

    @Test("whole numbers take seven bits a byte, lowest first; negative ones take ten bytes")
    func integers() {
        #expect(ProtobufMessage.varint(0) == [0])
        #expect(ProtobufMessage.varint(127) == [0x7F])
        #expect(ProtobufMessage.varint(128) == [0x80, 0x01])
        #expect(ProtobufMessage.varint(.max) == [UInt8](repeating: 0xFF, count: 9) + [1])
        // The example of protobuf's documentation: field 1 holds 150.
        #expect(bytes { $0.integer(1, 150) } == [0x08, 0x96, 0x01])
        #expect(bytes { $0.integer(20, 7) } == [0xA0, 0x01, 0x07])
        #expect(bytes { $0.integer(1, -1) } == [0x08] + [UInt8](repeating: 0xFF, count: 9) + [1])
    }

    @Test("texts, packed numbers and messages carry their length; floats are four bytes")
    func lengths() {
        #expect(bytes { $0.text(2, "testing") } == [0x12, 0x07, 0x74, 0x65, 0x73, 0x74, 0x69, 0x6E, 0x67])
        #expect(bytes { $0.text(2, "") } == [0x12, 0x00])
        // Packed, as in protobuf's documentation: field 6 holds 3, 270, 86942.
        #expect(
            bytes { $0.integers(6, [3, 270, 86942]) } == [0x32, 0x06, 0x03, 0x8E, 0x02, 0x9E, 0xA7, 0x05])
        #expect(bytes { $0.integers(6, []) }.isEmpty)
        #expect(bytes { $0.float(2, 1) } == [0x15, 0x00, 0x00, 0x80, 0x3F])
        var inner = ProtobufMessage()
        inner.integer(1, 150)
        #expect(bytes { $0.message(3, inner) } == [0x1A, 0x03, 0x08, 0x96, 0x01])
    }

    @Test("a tensor's values are its bytes, also of a view")
    func tensors() {
        let rows = Tensor([Float(0), 1, 2, 3], [2, 2]).rows(1..<2)
        #expect(bytes { $0.values(9, of: rows) } == [0x4A, 0x08, 0, 0, 0, 0x40, 0, 0, 0x40, 0x40])
    }
}
