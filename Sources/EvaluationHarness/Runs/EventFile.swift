import Foundation
import ImageFiles
import SafeFiles

/// A TensorBoard event file with scalar curves and pictures: `events.out.tfevents.<seconds>.dmt`.
///
/// Records are `u64 length, u32 masked CRC32C(length), data, u32 masked CRC32C(data)`, little-endian; `data` is an
/// `Event` message of protocol buffers, written by hand (varints and counted bytes are all it takes).
public final class EventFile {
    private let file: AppendFile
    public var path: String { file.path }

    /// Opens the run's event file, or creates it; a torn last record and records after `lastStep` are cut off.
    ///
    /// - Parameters:
    ///   - folder: where the file goes; an existing event file there is continued.
    ///   - lastStep: on resuming, the step of the checkpoint; nil keeps every whole record.
    public init(folder: String, resumingAt lastStep: Int? = nil, date: Date = Date()) throws(DataError) {
        let existing = try Folder.entries(folder).first { $0.hasPrefix("events.out.tfevents.") }
        let name = existing ?? "events.out.tfevents.\(Int(date.timeIntervalSince1970)).dmt"
        file = try AppendFile("\(folder)/\(name)") { Self.kept($0, lastStep) }
        // A killed process may have left the file without its first record.
        if file.size == 0 {
            // field 1: wall time, field 3: file version
            try file.append(Self.record(Self.wallTime(date) + ProtocolBuffer.text(3, "brain.Event:2")))
        }
    }

    /// Appends one point to the curve `tag`.
    ///
    /// - Parameter step: from 0.
    public func add(_ tag: String, _ value: Double, step: Int, date: Date = Date()) throws(DataError) {
        // Summary.Value: 1 tag, 2 simple_value (float).
        try append(value: ProtocolBuffer.text(1, tag) + ProtocolBuffer.float(2, Float(value)), step, date)
    }

    /// Appends one picture under `tag`, as PNG.
    ///
    /// - Parameter step: from 0.
    public func add(_ tag: String, _ picture: Picture, step: Int, date: Date = Date()) throws(DataError) {
        // Summary.Image: 1 height, 2 width, 3 colour space (3 is RGB), 4 encoded picture. Summary.Value: 1 tag, 4 image.
        let image =
            ProtocolBuffer.varint(1, UInt64(picture.height)) + ProtocolBuffer.varint(2, UInt64(picture.width))
            + ProtocolBuffer.varint(3, 3) + ProtocolBuffer.bytes(4, PNGFile.encode(picture))
        try append(value: ProtocolBuffer.text(1, tag) + ProtocolBuffer.bytes(4, image), step, date)
    }

    private func append(value: [UInt8], _ step: Int, _ date: Date) throws(DataError) {
        // Summary: 1 value. Event: 1 wall time, 2 step, 5 summary.
        let summary = ProtocolBuffer.bytes(1, value)
        let event =
            Self.wallTime(date) + ProtocolBuffer.varint(2, UInt64(max(0, step))) + ProtocolBuffer.bytes(5, summary)
        try file.append(Self.record(event))
    }

    public func synchronize() throws(DataError) { try file.synchronize() }

    private static func wallTime(_ date: Date) -> [UInt8] { ProtocolBuffer.double(1, date.timeIntervalSince1970) }

    static func record(_ data: [UInt8]) -> [UInt8] {
        let length = ProtocolBuffer.littleEndian(UInt64(data.count))
        return length + ProtocolBuffer.littleEndian(CRC32C.masked(length)) + data
            + ProtocolBuffer.littleEndian(CRC32C.masked(data))
    }

    /// Bytes of the leading records that are whole, have right checksums and are not past `lastStep`.
    static func kept(_ bytes: [UInt8], _ lastStep: Int?) -> Int {
        var kept = 0
        while bytes.count - kept >= 16 {
            let length = Array(bytes[kept..<(kept + 8)])
            let count = number(length)
            guard count <= UInt64(bytes.count - kept - 16),
                number(bytes[(kept + 8)..<(kept + 12)]) == UInt64(CRC32C.masked(length))
            else { break }
            let end = kept + 12 + Int(count)
            let data = bytes[(kept + 12)..<end]
            guard number(bytes[end..<(end + 4)]) == UInt64(CRC32C.masked(data)) else { break }
            if let lastStep, let step = ProtocolBuffer.varint(2, in: data), step > UInt64(max(0, lastStep)) { break }
            kept = end + 4
        }
        return kept
    }

    private static func number(_ bytes: some BidirectionalCollection<UInt8>) -> UInt64 {
        bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }
}

/// The wire format of protocol buffers, as far as events need it.
enum ProtocolBuffer {
    static func varint(_ value: UInt64) -> [UInt8] {
        var rest = value
        var bytes: [UInt8] = []
        while rest >= 0x80 {
            bytes.append(UInt8(rest & 0x7F) | 0x80)
            rest >>= 7
        }
        return bytes + [UInt8(rest)]
    }

    /// Wire types: 0 varint, 1 eight bytes, 2 counted bytes, 5 four bytes.
    private static func key(_ field: UInt64, _ wireType: UInt64) -> [UInt8] { varint(field << 3 | wireType) }

    static func varint(_ field: UInt64, _ value: UInt64) -> [UInt8] { key(field, 0) + varint(value) }
    static func double(_ field: UInt64, _ value: Double) -> [UInt8] { key(field, 1) + littleEndian(value.bitPattern) }
    static func float(_ field: UInt64, _ value: Float) -> [UInt8] { key(field, 5) + littleEndian(value.bitPattern) }
    static func bytes(_ field: UInt64, _ value: [UInt8]) -> [UInt8] {
        key(field, 2) + varint(UInt64(value.count)) + value
    }
    static func text(_ field: UInt64, _ value: String) -> [UInt8] { bytes(field, Array(value.utf8)) }

    static func littleEndian<Number: FixedWidthInteger>(_ value: Number) -> [UInt8] {
        withUnsafeBytes(of: value.littleEndian) { Array($0) }
    }

    /// The value of a varint field of a message; nil when it is absent or the message ends early.
    static func varint(_ wanted: UInt64, in message: ArraySlice<UInt8>) -> UInt64? {
        var rest = message
        while let key = readVarint(&rest) {
            switch key & 7 {
            case 0:
                guard let value = readVarint(&rest) else { return nil }
                if key >> 3 == wanted { return value }
            case 1: rest = rest.dropFirst(8)
            case 2:
                guard let count = readVarint(&rest), count <= UInt64(rest.count) else { return nil }
                rest = rest.dropFirst(Int(count))
            case 5: rest = rest.dropFirst(4)
            default: return nil
            }
        }
        return nil
    }

    private static func readVarint(_ rest: inout ArraySlice<UInt8>) -> UInt64? {
        var value: UInt64 = 0
        for shift in stride(from: UInt64(0), to: 64, by: 7) {
            guard let byte = rest.popFirst() else { return nil }
            value |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return value }
        }
        return nil
    }
}
