import CSimdJSON

/// Finds the windows of a huge file one after the other without reading their records.
///
/// A window is a run of whole records of one array: the top level itself, or a member of a top-level object.
struct JSONWindowCutter {
    let isList: Bool
    private let text: JSONFileText
    private let windowBytes: Int
    private var at = 0
    private var state: State
    private var seen: Set<String> = []
    private let parser = JSONParser()

    private enum State {
        /// Before a record of the array called `key`; nil for the top level.
        case records(key: String?, isFirst: Bool)
        case firstMember, member, afterMember, afterRoot, finished
    }

    struct Cut: Sendable {
        /// Key of the array in the top-level object; nil for a top-level array.
        let key: String?
        let range: Range<Int>
        let isFirst: Bool
        /// The array is closed after this window.
        let isLast: Bool
        /// The file ends before the array does.
        let isTruncated: Bool
    }

    /// - Throws: `JSONError` unless the top level is an array or an object.
    init(_ bytes: UnsafeRawBufferPointer, file: String, windowBytes: Int) throws {
        text = JSONFileText(bytes: bytes, file: file)
        self.windowBytes = windowBytes
        while at < bytes.count, Self.isSpace(bytes[at]) { at += 1 }
        let opening = at < bytes.count ? bytes[at] : nil
        isList = opening == UInt8(ascii: "[")
        state = isList ? .records(key: nil, isFirst: true) : .firstMember
        guard isList || opening == UInt8(ascii: "{") else { throw refused("a JSON array or object") }
        at += 1
    }

    /// The next window; nil after the last, once the end of the file has been checked.
    ///
    /// - Parameter member: called for each key of a top-level object; an array's value is nil, any other is given whole.
    mutating func next(_ member: (_ key: String, _ value: JSONCursor?) throws -> Void) throws -> Cut? {
        while true {
            switch state {
            case .records(let key, let isFirst): return try cut(key, isFirst)
            case .firstMember, .member:
                skipSpace()
                if case .firstMember = state, byte == UInt8(ascii: "}") {
                    at += 1
                    state = .afterRoot
                } else {
                    try readMember(member)
                }
            case .afterMember:
                skipSpace()
                guard byte == UInt8(ascii: ",") || byte == UInt8(ascii: "}") else {
                    throw refused("',' or '}' after a member")
                }
                state = byte == UInt8(ascii: ",") ? .member : .afterRoot
                at += 1
            case .afterRoot:
                skipSpace()
                if byte != nil { throw refused("the end of the file") }
                state = .finished
            case .finished: return nil
            }
        }
    }

    private mutating func cut(_ key: String?, _ isFirst: Bool) throws -> Cut {
        var closed: Int32 = 0
        let start = at
        let end = dmt_json_split(text.start, bytes.count, start, windowBytes, &closed)
        if end - start > windowBytes + JSONLimits.recordBytes {
            throw JSONError(
                .tooLarge, file: file, record: key, offset: start,
                expected: "records below \(JSONLimits.recordBytes) bytes", found: "a larger one",
                remedy: "split the record")
        }
        let isTruncated = end == bytes.count && closed == 0
        at = isTruncated ? end : end + 1
        if isTruncated {
            state = .finished
        } else if closed == 0 {
            state = .records(key: key, isFirst: false)
        } else {
            state = key == nil ? .afterRoot : .afterMember
        }
        return Cut(key: key, range: start..<end, isFirst: isFirst, isLast: closed == 1, isTruncated: isTruncated)
    }

    private mutating func readMember(_ member: (String, JSONCursor?) throws -> Void) throws {
        let start = at
        guard byte == UInt8(ascii: "\"") else { throw refused("a key in double quotes") }
        let key = try readKey()
        guard seen.insert(key).inserted else {
            throw JSONError(
                .duplicateKey, file: file, offset: start, expected: "every key once", found: "a second \"\(key)\"",
                remedy: "remove one of the two")
        }
        guard seen.count <= JSONLimits.keys else {
            throw JSONError(
                .tooManyKeys, file: file, offset: start, expected: "at most \(JSONLimits.keys) keys in an object",
                found: "more", remedy: "use an array")
        }
        skipSpace()
        guard byte == UInt8(ascii: ":") else { throw refused("':' after \"\(key)\"") }
        at += 1
        skipSpace()
        if byte == UInt8(ascii: "[") {
            try member(key, nil)
            at += 1
            state = .records(key: key, isFirst: true)
            return
        }
        let end = dmt_json_value_end(text.start, bytes.count, at)
        if end - at > JSONLimits.recordBytes {
            throw JSONError(
                .tooLarge, file: file, record: "\"\(key)\"", offset: at,
                expected: "values below \(JSONLimits.recordBytes) bytes", found: "\(end - at) bytes",
                remedy: "remove or split the value")
        }
        let value = try parser.parse(text.slice(at..<end), file: file, record: "\"\(key)\"", base: at, asArray: false)
        try member(key, value)
        at = end
        state = .afterMember
    }

    private mutating func readKey() throws -> String {
        var end = at + 1
        while end < bytes.count, bytes[end] != UInt8(ascii: "\"") {
            end += bytes[end] == UInt8(ascii: "\\") ? 2 : 1
        }
        guard end < bytes.count else {
            at = bytes.count
            throw refused("the closing quote of a key")
        }
        guard end - at <= JSONLimits.recordBytes else {
            throw JSONError(
                .tooLarge, file: file, offset: at, expected: "keys below \(JSONLimits.recordBytes) bytes",
                found: "\(end - at) bytes", remedy: "shorten the key")
        }
        let cursor = try parser.parse(text.slice(at..<end + 1), file: file, record: nil, base: at, asArray: false)
        at = end + 1
        return cursor.string ?? ""
    }

    private var byte: UInt8? { at < bytes.count ? bytes[at] : nil }

    private var bytes: UnsafeRawBufferPointer { text.bytes }
    private var file: String { text.file }

    private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 }

    private mutating func skipSpace() {
        while let byte, Self.isSpace(byte) { at += 1 }
    }

    private func refused(_ expected: String) -> JSONError { text.refused(expected, at: at) }
}
