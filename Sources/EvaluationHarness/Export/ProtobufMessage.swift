import TensorCore

/// A message in protobuf's wire format, field after field.
///
/// Tensors are kept by reference until the bytes are asked for: nesting a message never copies weights.
/// - Source: protobuf.dev, "Encoding".
struct ProtobufMessage {
    private enum Piece {
        case bytes([UInt8])
        case tensor(Tensor)
    }

    private enum WireType: UInt64 {
        case varint = 0
        case lengthDelimited = 2
        case fixed32 = 5
    }

    private var pieces: [Piece] = []
    /// The length of the encoded message.
    private(set) var byteCount = 0

    /// A whole number; negative ones take ten bytes, as protobuf's int64 does.
    mutating func integer(_ field: Int, _ value: Int) {
        append(Self.tag(field, .varint) + Self.varint(UInt64(bitPattern: Int64(value))))
    }

    mutating func float(_ field: Int, _ value: Float) {
        let bits = value.bitPattern
        append(Self.tag(field, .fixed32) + (0..<4).map { UInt8(truncatingIfNeeded: bits >> (8 * UInt32($0))) })
    }

    mutating func text(_ field: Int, _ value: String) { bytes(field, Array(value.utf8)) }

    mutating func bytes(_ field: Int, _ value: [UInt8]) { append(Self.start(field, value.count) + value) }

    /// Whole numbers as one packed field; no numbers write nothing.
    mutating func integers(_ field: Int, _ values: [Int]) {
        if !values.isEmpty { bytes(field, values.flatMap { Self.varint(UInt64(bitPattern: Int64($0))) }) }
    }

    mutating func message(_ field: Int, _ value: ProtobufMessage) {
        append(Self.start(field, value.byteCount))
        pieces += value.pieces
        byteCount += value.byteCount
    }

    /// A tensor's values as they lie in memory: little-endian, row-major.
    mutating func values(_ field: Int, of tensor: Tensor) {
        append(Self.start(field, tensor.byteCount))
        pieces.append(.tensor(tensor))
        byteCount += tensor.byteCount
    }

    /// The encoded message.
    ///
    /// - Complexity: O(byteCount) time and memory.
    var encoded: [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(byteCount)
        for piece in pieces {
            switch piece {
            case .bytes(let bytes): result += bytes
            case .tensor(let tensor): result += UnsafeRawBufferPointer(start: tensor.raw, count: tensor.byteCount)
            }
        }
        return result
    }

    private mutating func append(_ bytes: [UInt8]) {
        byteCount += bytes.count
        pieces.append(.bytes(bytes))
    }

    private static func start(_ field: Int, _ count: Int) -> [UInt8] {
        tag(field, .lengthDelimited) + varint(UInt64(count))
    }

    private static func tag(_ field: Int, _ type: WireType) -> [UInt8] { varint(UInt64(field) << 3 | type.rawValue) }

    /// Seven bits a byte, lowest first; the eighth bit says that more follow.
    static func varint(_ value: UInt64) -> [UInt8] {
        var (rest, bytes) = (value, [UInt8]())
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        return bytes + [UInt8(rest)]
    }
}
