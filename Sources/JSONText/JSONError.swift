import CSimdJSON

/// Why a JSON text was refused, with the byte at which it stops being acceptable.
public struct JSONError: Error, CustomStringConvertible, Sendable, Equatable {
    public enum Reason: String, Sendable {
        case truncated, syntax, invalidUTF8, tooDeep, numberOutOfRange, duplicateKey, tooManyKeys, tooLarge
    }

    public var reason: Reason
    public var file: String
    /// The record inside the file, such as `annotations[17]`, where one is known.
    public var record: String?
    /// Byte offset from the start of the file.
    public var offset: Int
    public var expected: String
    public var found: String
    public var remedy: String

    public init(
        _ reason: Reason, file: String, record: String? = nil, offset: Int, expected: String, found: String,
        remedy: String
    ) {
        self.reason = reason
        self.file = file
        self.record = record
        self.offset = offset
        self.expected = expected
        self.found = found
        self.remedy = remedy
    }

    public var description: String {
        "\(file), \(record.map { "\($0), " } ?? "")byte \(offset): expected \(expected), found \(found); \(remedy)."
    }

    /// Words for a fault of the C reader. `text` is the text the fault's offset counts in; `base` is that text's own
    /// place in the file.
    init(_ fault: dmt_json_fault, file: String, record: String? = nil, text: UnsafeRawBufferPointer, base: Int) {
        let near = JSONError.excerpt(text, at: Int(fault.offset))
        let offset = base + Int(fault.offset)
        func make(_ reason: Reason, _ expected: String, _ found: String, _ remedy: String) -> JSONError {
            JSONError(
                reason, file: file, record: record, offset: offset, expected: expected, found: found, remedy: remedy)
        }
        switch fault.code {
        case Int32(DMT_JSON_TRUNCATED):
            self = make(
                .truncated, "more JSON", "the end of the text", "copy or write the file again, it was cut short")
        case Int32(DMT_JSON_UTF8):
            self = make(.invalidUTF8, "UTF-8 text", near, "save the file as UTF-8")
        case Int32(DMT_JSON_DEPTH):
            self = make(.tooDeep, "at most \(JSONLimits.depth) nested levels", near, "flatten the document")
        case Int32(DMT_JSON_NUMBER):
            self = make(.numberOutOfRange, "a finite number of 64 bits", near, "write a smaller number")
        case Int32(DMT_JSON_DUPLICATE_KEY):
            self = make(.duplicateKey, "every key once in an object", "a second \(near)", "remove one of the two")
        case Int32(DMT_JSON_TOO_MANY_KEYS):
            self = make(.tooManyKeys, "at most \(JSONLimits.keys) keys in an object", "more", "use an array")
        case Int32(DMT_JSON_MEMORY):
            self = make(.tooLarge, "a value below 4 GiB that fits in memory", "\(text.count) bytes", "split the file")
        default:
            self = make(
                .syntax, "JSON (no NaN, Infinity, comments or trailing commas)", near, "correct the text at this byte")
        }
    }

    /// Up to 24 bytes of `text` from `offset`, printable.
    static func excerpt(_ text: UnsafeRawBufferPointer, at offset: Int) -> String {
        guard offset < text.count else { return "the end of the text" }
        let bytes = text[offset..<min(offset + 24, text.count)]
        let printable = bytes.map { $0 >= 0x20 && $0 < 0x7F ? Character(Unicode.Scalar($0)) : "." }
        return "'" + String(printable) + "'"
    }
}

/// What a text may cost at most.
public enum JSONLimits {
    /// Nested arrays and objects.
    public static let depth = 32
    /// Keys of one object.
    public static let keys = 1 << 19
    /// Bytes of one record of a streamed array, of one other member of its object, and of a key: reading one takes up to six
    /// times as much.
    public static let recordBytes = 16 << 20
}
