import CSimdJSON

/// Reads a huge file whose size is in a few arrays: a top-level array, or the arrays of a top-level object.
///
/// Arrays are cut at record borders into windows of about `windowBytes`, parsed one by one with one parser, so memory
/// stays at a few windows whatever the size of the file. Everything in the file is checked, wanted or not.
public struct JSONArrayReader {
    public var windowBytes: Int

    /// One window: `elements` is an array of whole records, the first of which has index `firstIndex` in its array.
    public struct Window {
        /// Key of the array in the top-level object; nil for a top-level array.
        public let key: String?
        public let firstIndex: Int
        public let elements: JSONCursor
    }

    public init(windowBytes: Int = 4 << 20) { self.windowBytes = windowBytes }

    /// Walks the file in order.
    ///
    /// - Parameters:
    ///   - member: called once for each key of a top-level object, before its windows; an array's value is nil, any
    ///     other value is given whole.
    ///   - window: called for each window; an empty array has none.
    /// - Returns: whether the top level is an array (true) or an object (false).
    /// - Throws: `JSONError`, or what the closures throw.
    @discardableResult
    public func read(
        _ bytes: UnsafeRawBufferPointer, file: String,
        member: (_ key: String, _ value: JSONCursor?) throws -> Void = { _, _ in },
        window: (Window) throws -> Void
    ) throws -> Bool {
        let walk = Walk(bytes: bytes, file: file, windowBytes: windowBytes)
        walk.skipSpace()
        let isArray = walk.byte == UInt8(ascii: "[")
        if isArray {
            try walk.array(key: nil, window)
        } else if walk.byte == UInt8(ascii: "{") {
            try walk.object(member, window)
        } else {
            throw walk.refused("a JSON array or object")
        }
        walk.skipSpace()
        if walk.byte != nil { throw walk.refused("the end of the file") }
        return isArray
    }
}

/// The position in the file while it is walked.
private final class Walk {
    let bytes: UnsafeRawBufferPointer
    let file: String
    let windowBytes: Int
    let parser = JSONParser()
    var at = 0

    init(bytes: UnsafeRawBufferPointer, file: String, windowBytes: Int) {
        self.bytes = bytes
        self.file = file
        self.windowBytes = windowBytes
    }

    var byte: UInt8? { at < bytes.count ? bytes[at] : nil }

    var text: UnsafePointer<UInt8>? { bytes.baseAddress?.assumingMemoryBound(to: UInt8.self) }

    func skipSpace() {
        while let byte, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { at += 1 }
    }

    func refused(_ expected: String, record: String? = nil) -> JSONError {
        if at >= bytes.count {
            return JSONError(
                .truncated, file: file, record: record, offset: bytes.count, expected: expected,
                found: "the end of the file", remedy: "copy or write the file again, it was cut short")
        }
        return JSONError(
            .syntax, file: file, record: record, offset: at, expected: expected,
            found: JSONError.excerpt(bytes, at: at), remedy: "correct the text at this byte")
    }

    func slice(_ range: Range<Int>) -> UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: bytes[range]) }

    func object(
        _ member: (String, JSONCursor?) throws -> Void, _ window: (JSONArrayReader.Window) throws -> Void
    ) throws {
        var seen: Set<String> = []
        at += 1
        skipSpace()
        if byte == UInt8(ascii: "}") {
            at += 1
            return
        }
        while true {
            skipSpace()
            let start = at
            guard byte == UInt8(ascii: "\"") else { throw refused("a key in double quotes") }
            let key = try key()
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
                try array(key: key, window)
            } else {
                let end = dmt_json_value_end(text, bytes.count, at)
                if end - at > JSONLimits.recordBytes {
                    throw JSONError(
                        .tooLarge, file: file, record: "\"\(key)\"", offset: at,
                        expected: "values below \(JSONLimits.recordBytes) bytes", found: "\(end - at) bytes",
                        remedy: "remove or split the value")
                }
                let value = try parser.parse(
                    slice(at..<end), file: file, record: "\"\(key)\"", base: at, asArray: false)
                try member(key, value)
                at = end
            }
            skipSpace()
            if byte == UInt8(ascii: "}") {
                at += 1
                return
            }
            guard byte == UInt8(ascii: ",") else { throw refused("',' or '}' after \"\(key)\"") }
            at += 1
        }
    }

    /// Reads the string at the current position.
    func key() throws -> String {
        var end = at + 1
        while end < bytes.count, bytes[end] != UInt8(ascii: "\"") {
            end += bytes[end] == UInt8(ascii: "\\") ? 2 : 1
        }
        guard end < bytes.count else {
            at = bytes.count
            throw refused("the closing quote of a key")
        }
        let cursor = try parser.parse(slice(at..<end + 1), file: file, record: nil, base: at, asArray: false)
        at = end + 1
        return cursor.string ?? ""
    }

    func array(key: String?, _ window: (JSONArrayReader.Window) throws -> Void) throws {
        at += 1
        let name = key ?? ""
        var firstIndex = 0
        while true {
            var closed: Int32 = 0
            let start = at
            let end = dmt_json_split(text, bytes.count, start, windowBytes, &closed)
            if end - start > windowBytes + JSONLimits.recordBytes {
                throw JSONError(
                    .tooLarge, file: file, record: "\(name)[\(firstIndex)...]", offset: start,
                    expected: "records below \(JSONLimits.recordBytes) bytes", found: "a larger one",
                    remedy: "split the record")
            }
            let elements = try run(start..<end, name: name, firstIndex: firstIndex)
            at = end
            let count = elements.count
            if end == bytes.count && closed == 0 {
                throw refused("',' or ']'", record: "\(name)[\(firstIndex + count)]")
            }
            if count == 0 && (firstIndex > 0 || closed == 0) { throw refused("a record after ','") }
            if count > 0 {
                try window(.init(key: key, firstIndex: firstIndex, elements: elements))
            }
            firstIndex += count
            at += 1
            if closed == 1 { break }
        }
    }

    /// Parses the records in `range`, naming the record of a fault.
    private func run(_ range: Range<Int>, name: String, firstIndex: Int) throws -> JSONCursor {
        do {
            return try parser.parse(slice(range), file: file, record: nil, base: range.lowerBound, asArray: true)
        } catch var error as JSONError {
            let index = firstIndex + recordsBefore(error.offset, from: range.lowerBound)
            error.record = "\(name)[\(index)]"
            if error.offset >= bytes.count {
                at = bytes.count
                throw refused("more JSON", record: error.record)
            }
            throw error
        }
    }

    /// Records that end before `offset` in the run that starts at `start`.
    func recordsBefore(_ offset: Int, from start: Int) -> Int {
        var count = 0
        var position = start
        while true {
            var closed: Int32 = 0
            let end = dmt_json_split(text, bytes.count, position, 0, &closed)
            if end >= offset || closed == 1 || end == bytes.count { return count }
            count += 1
            position = end + 1
        }
    }
}
