import CJSONC

/// A whole JSON document in memory, for small files: settings, headers, reports.
///
/// Objects keep the order of their keys. Integers stay integers (Int64).
public indirect enum JSONValue: Sendable, Equatable {
    case null
    case bool(Bool)
    case int(Int64)
    case double(Double)
    case string(String)
    case array([JSONValue])
    case object([(String, JSONValue)])

    /// A number, or null where there is none: absent, NaN or infinite.
    public init(finite value: Double?) {
        self = value.flatMap { $0.isFinite ? .double($0) : nil } ?? .null
    }

    public static func == (a: JSONValue, b: JSONValue) -> Bool {
        switch (a, b) {
        case (.null, .null): true
        case (.bool(let x), .bool(let y)): x == y
        case (.int(let x), .int(let y)): x == y
        case (.double(let x), .double(let y)): x == y
        case (.string(let x), .string(let y)): x == y
        case (.array(let x), .array(let y)): x == y
        case (.object(let x), .object(let y)):
            x.count == y.count && zip(x, y).allSatisfy { $0.0 == $1.0 && $0.1 == $1.1 }
        default: false
        }
    }
}

// MARK: - Reading

extension JSONValue {
    /// Parses a whole document.
    ///
    /// - Parameter file: the name used in errors.
    /// - Throws: `JSONError`.
    public static func parse(_ bytes: UnsafeRawBufferPointer, file: String) throws -> JSONValue {
        try JSONParser().withRoot(of: bytes, file: file) { try JSONValue($0, file: file) }
    }

    public static func parse(_ bytes: [UInt8], file: String) throws -> JSONValue {
        try bytes.withUnsafeBytes { try parse($0, file: file) }
    }

    public static func parse(_ text: String, file: String) throws -> JSONValue {
        try parse(Array(text.utf8), file: file)
    }

    /// Copies the value at `cursor` out of its text.
    ///
    /// - Throws: `JSONError` for an integer above Int64.
    public init(_ cursor: JSONCursor, file: String) throws {
        switch cursor.kind {
        case .null: self = .null
        case .bool: self = .bool(cursor.bool!)
        case .int: self = .int(cursor.int!)
        case .double: self = .double(cursor.double!)
        case .string: self = .string(cursor.string!)
        case .unsigned:
            throw JSONError(
                .numberOutOfRange, file: file, offset: 0, expected: "integers up to 9223372036854775807",
                found: cursor.summary, remedy: "write a smaller number")
        case .array:
            var elements: [JSONValue] = []
            try cursor.forEachElement { elements.append(try JSONValue($0, file: file)) }
            self = .array(elements)
        case .object:
            var members: [(String, JSONValue)] = []
            try cursor.forEachMember { key, value in
                members.append((String(decoding: key, as: UTF8.self), try JSONValue(value, file: file)))
            }
            self = .object(members)
        }
    }

    /// The member called `key` of an object; `nil` for another kind or an absent key.
    public subscript(key: String) -> JSONValue? {
        guard case .object(let members) = self else { return nil }
        return members.first { $0.0 == key }?.1
    }

    /// The element at `index` of an array; `nil` for another kind or past the end.
    public subscript(index: Int) -> JSONValue? {
        guard case .array(let elements) = self, elements.indices.contains(index) else { return nil }
        return elements[index]
    }

    public var bool: Bool? { if case .bool(let value) = self { value } else { nil } }
    public var int: Int64? { if case .int(let value) = self { value } else { nil } }
    public var string: String? { if case .string(let value) = self { value } else { nil } }
    public var array: [JSONValue]? { if case .array(let value) = self { value } else { nil } }
    public var object: [(String, JSONValue)]? { if case .object(let value) = self { value } else { nil } }
    public var isNull: Bool { self == .null }

    /// An integer or a decimal number.
    public var double: Double? {
        switch self {
        case .double(let value): value
        case .int(let value): Double(value)
        default: nil
        }
    }
}

// MARK: - Writing

extension JSONValue {
    /// The document as text. Doubles are written as the shortest decimal that reads back equal.
    ///
    /// - Precondition: every number is finite (`init(finite:)` turns others into null).
    public func text(pretty: Bool = false) -> String {
        let root = tree()
        defer { if let root { json_object_put(root) } }
        var flags = JSON_C_TO_STRING_NOSLASHESCAPE
        if pretty { flags |= JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED }
        guard let text = json_object_to_json_string_ext(root, flags) else { fatalError("out of memory writing JSON") }
        return String(cString: text)
    }

    /// A json-c tree that the caller owns; nil is json-c's null.
    private func tree() -> OpaquePointer? {
        switch self {
        case .null: return nil
        case .bool(let value): return json_object_new_boolean(value ? 1 : 0)
        case .int(let value): return json_object_new_int64(value)
        case .double(let value):
            precondition(value.isFinite, "JSON number \(value): must be finite")
            return json_object_new_double_s(value, value.description)
        case .string(var value):
            return value.withUTF8 { bytes in
                bytes.withMemoryRebound(to: CChar.self) { json_object_new_string_len($0.baseAddress, Int32($0.count)) }
            }
        case .array(let elements):
            let array = json_object_new_array_ext(Int32(max(elements.count, 1)))
            for element in elements { json_object_array_add(array, element.tree()) }
            return array
        case .object(let members):
            let object = json_object_new_object()
            for (key, value) in members { json_object_object_add(object, key, value.tree()) }
            return object
        }
    }
}
