import CSimdJSON

/// A reusable strict parser: finite numbers, UTF-8, no duplicate keys, at most `JSONLimits.depth` levels.
///
/// Not `Sendable`: one parser per thread.
public final class JSONParser {
    private let parser: OpaquePointer
    private var buffer: UnsafeMutableRawBufferPointer

    public init() {
        guard let parser = dmt_json_parser_new() else { fatalError("out of memory for a JSON parser") }
        self.parser = parser
        buffer = .allocate(byteCount: 4096, alignment: 64)
    }

    deinit {
        dmt_json_parser_free(parser)
        buffer.deallocate()
    }

    /// Parses `bytes` and lends the root value to `body`.
    ///
    /// - Throws: `JSONError`, or what `body` throws.
    public func withRoot<Result>(
        of bytes: UnsafeRawBufferPointer, file: String, _ body: (JSONCursor) throws -> Result
    ) throws -> Result {
        try body(parse(bytes, file: file, record: nil, base: 0, asArray: false))
    }

    /// Lends `body` a piece of `bytes` with `DMT_JSON_PADDING` readable bytes behind it: a copy where it stands at the
    /// very end.
    func padded<Result>(
        _ range: Range<Int>, of bytes: UnsafeRawBufferPointer, _ body: (UnsafeRawBufferPointer) -> Result
    ) -> Result {
        if range.upperBound + Int(DMT_JSON_PADDING) <= bytes.count {
            return body(UnsafeRawBufferPointer(rebasing: bytes[range]))
        }
        let copy = fill(UnsafeRawBufferPointer(rebasing: bytes[range.lowerBound...]), asArray: false)
        return body(UnsafeRawBufferPointer(start: copy, count: range.count))
    }

    /// Copies a text to the buffer, zeros behind it; with `asArray`, between brackets of its own.
    private func fill(_ bytes: UnsafeRawBufferPointer, asArray: Bool) -> UnsafePointer<UInt8> {
        let wrapped = asArray ? 1 : 0
        let length = bytes.count + 2 * wrapped
        if buffer.count < length + Int(DMT_JSON_PADDING) {
            buffer.deallocate()
            buffer = .allocate(byteCount: length + length / 4 + Int(DMT_JSON_PADDING), alignment: 64)
        }
        if asArray {
            buffer[0] = UInt8(ascii: "[")
            buffer[length - 1] = UInt8(ascii: "]")
        }
        UnsafeMutableRawBufferPointer(rebasing: buffer[wrapped..<wrapped + bytes.count]).copyMemory(from: bytes)
        // Zeros, so that the bytes past the text never depend on an earlier one.
        for index in length..<length + Int(DMT_JSON_PADDING) { buffer[index] = 0 }
        return UnsafePointer(buffer.baseAddress!.assumingMemoryBound(to: UInt8.self))
    }

    /// Parses a copy of the text; with `asArray`, between brackets of its own.
    func parse(
        _ bytes: UnsafeRawBufferPointer, file: String, record: String?, base: Int, asArray: Bool
    ) throws -> JSONCursor {
        let wrapped = asArray ? 1 : 0
        let text = fill(bytes, asArray: asArray)
        var tape = dmt_json_tape()
        var fault = dmt_json_parse(parser, text, bytes.count + 2 * wrapped, JSONLimits.depth, JSONLimits.keys, &tape)
        guard fault.code == Int32(DMT_JSON_OK) else {
            fault.offset = min(max(0, fault.offset - wrapped), bytes.count)
            throw JSONError(
                fault, file: file, record: record, text: bytes, base: base)
        }
        return JSONCursor(tape: tape.tape, strings: tape.strings, index: 1)
    }
}
