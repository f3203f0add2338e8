/// The records of a pax header that matter here: `LENGTH KEY=VALUE\n`, the length in bytes of the whole record.
struct PaxRecords: Equatable {
    var path: [UInt8]?
    var size: Int?
    var isSparse = false

    init() {}

    /// - Throws: for records that do not have this form, and for a size that is no number.
    init(_ bytes: [UInt8]) throws(TarFault) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let digits = rest.prefix { $0 != UInt8(ascii: " ") }
            guard digits.count <= 9, let length = Self.decimal(digits), length > digits.count + 1,
                length <= rest.count, rest[rest.startIndex + length - 1] == UInt8(ascii: "\n")
            else { throw TarFault(expected: "pax records 'LENGTH KEY=VALUE'", found: "other bytes") }
            let record = rest.prefix(length - 1).dropFirst(digits.count + 1)
            guard let equals = record.firstIndex(of: UInt8(ascii: "=")) else {
                throw TarFault(expected: "pax records 'LENGTH KEY=VALUE'", found: "one without '='")
            }
            try take(record[..<equals], record[(equals + 1)...])
            rest = rest.dropFirst(length)
        }
    }

    private mutating func take(_ key: ArraySlice<UInt8>, _ value: ArraySlice<UInt8>) throws(TarFault) {
        if key.elementsEqual("path".utf8) { path = Array(value) }
        if key.elementsEqual("size".utf8) {
            guard let number = Self.decimal(value) else {
                throw TarFault(expected: "a pax size of at most 18 digits", found: "another value")
            }
            size = number
        }
        if key.starts(with: "GNU.sparse.".utf8) { isSparse = true }
    }

    /// 1 to 18 digits.
    private static func decimal(_ digits: ArraySlice<UInt8>) -> Int? {
        guard (1...18).contains(digits.count),
            digits.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) })
        else { return nil }
        return digits.reduce(0) { $0 * 10 + Int($1 - UInt8(ascii: "0")) }
    }
}
