import JSONText

/// A JSON object of a record with typed access; errors name the field from the root.
struct RecordObject {
    private let members: [(String, JSONValue)]
    private let path: String

    init(_ value: JSONValue, path: String) throws {
        guard case .object(let members) = value else {
            throw RecordFormatError(field: path, expected: "an object", found: Self.kind(value))
        }
        self.members = members
        self.path = path
    }

    private func field(_ key: String) -> String { path == "record" ? key : "\(path).\(key)" }

    private func value(_ key: String) throws -> JSONValue {
        guard let member = members.first(where: { $0.0 == key }) else {
            throw RecordFormatError(field: field(key), expected: "a value", found: "nothing")
        }
        return member.1
    }

    func has(_ key: String) -> Bool { members.contains { $0.0 == key } }

    private func mismatch(_ key: String, _ expected: String) throws -> RecordFormatError {
        RecordFormatError(field: field(key), expected: expected, found: Self.kind(try value(key)))
    }

    func string(_ key: String) throws -> String {
        guard case .string(let text) = try value(key) else { throw try mismatch(key, "a string") }
        return text
    }

    func optionalString(_ key: String) throws -> String? {
        if case .null = try value(key) { return nil }
        return try string(key)
    }

    func int(_ key: String) throws -> Int {
        guard case .int(let number) = try value(key), let result = Int(exactly: number) else {
            throw try mismatch(key, "a whole number")
        }
        return result
    }

    func double(_ key: String) throws -> Double {
        guard let number = Self.number(try value(key)) else { throw try mismatch(key, "a number") }
        return number
    }

    func optionalDouble(_ key: String) throws -> Double? {
        if case .null = try value(key) { return nil }
        return try double(key)
    }

    func choice<Choice: RawRepresentable<String>>(_ key: String) throws -> Choice {
        let text = try string(key)
        guard let choice = Choice(rawValue: text) else {
            throw RecordFormatError(field: field(key), expected: "a known \(key)", found: "'\(text)'")
        }
        return choice
    }

    func object(_ key: String) throws -> RecordObject { try RecordObject(try value(key), path: field(key)) }

    func optionalObject(_ key: String) throws -> RecordObject? {
        if case .null = try value(key) { return nil }
        return try object(key)
    }

    private func array(_ key: String) throws -> [JSONValue] {
        guard case .array(let items) = try value(key) else { throw try mismatch(key, "an array") }
        return items
    }

    func objects(_ key: String) throws -> [RecordObject] {
        try array(key).enumerated().map { try RecordObject($1, path: "\(field(key))[\($0)]") }
    }

    func stringArray(_ key: String) throws -> [String] {
        try array(key).map {
            guard case .string(let text) = $0 else { throw try mismatch(key, "an array of strings") }
            return text
        }
    }

    func optionalDoubles(_ key: String) throws -> [Double?] {
        try array(key).map { item -> Double? in
            if case .null = item { return nil }
            guard let number = Self.number(item) else { throw try mismatch(key, "an array of numbers") }
            return number
        }
    }

    /// All members, which must be strings, in order; no key twice.
    func strings() throws -> [(String, String)] {
        try uniqueKeys()
        return try members.map { ($0.0, try string($0.0)) }
    }

    /// All members, which must be numbers, in order; no key twice.
    func doubles() throws -> [(String, Double)] {
        try uniqueKeys()
        return try members.map { ($0.0, try double($0.0)) }
    }

    private func uniqueKeys() throws {
        var seen: Set<String> = []
        for (key, _) in members where key.isEmpty || !seen.insert(key).inserted {
            throw RecordFormatError(field: field(key), expected: "each key once", found: "an empty or repeated key")
        }
    }

    private static func number(_ value: JSONValue) -> Double? {
        switch value {
        case .double(let number): number
        case .int(let number): Double(number)
        default: nil
        }
    }

    static func kind(_ value: JSONValue) -> String {
        switch value {
        case .null: "null"
        case .bool: "a boolean"
        case .int: "a whole number"
        case .double: "a number"
        case .string: "a string"
        case .array: "an array"
        case .object: "an object"
        }
    }
}

/// A JSON text that is no run record.
public struct RecordFormatError: Error, CustomStringConvertible, Sendable, Equatable {
    public var field: String
    public var expected: String
    public var found: String

    public var description: String {
        "run record, \(field): expected \(expected), found \(found); write the record again with this version of dmt."
    }
}
