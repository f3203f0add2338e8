/// One value inside a parsed text: a position on simdjson's tape, nothing copied.
///
/// A cursor is valid inside the closure that received it, no longer.
@frozen
public struct JSONCursor {
    @usableFromInline let tape: UnsafePointer<UInt64>
    @usableFromInline let strings: UnsafePointer<UInt8>
    @usableFromInline let index: Int

    @inlinable
    init(tape: UnsafePointer<UInt64>, strings: UnsafePointer<UInt8>, index: Int) {
        self.tape = tape
        self.strings = strings
        self.index = index
    }

    @frozen
    public enum Kind: Sendable { case null, bool, int, unsigned, double, string, array, object }

    @inlinable var tag: UInt8 { UInt8(truncatingIfNeeded: tape[index] >> 56) }

    @inlinable
    public var kind: Kind {
        switch tag {
        case UInt8(ascii: "{"): .object
        case UInt8(ascii: "["): .array
        case UInt8(ascii: "\""): .string
        case UInt8(ascii: "l"): .int
        case UInt8(ascii: "u"): .unsigned
        case UInt8(ascii: "d"): .double
        case UInt8(ascii: "t"), UInt8(ascii: "f"): .bool
        default: .null
        }
    }

    /// Tape position after this value.
    @inlinable var next: Int {
        switch tag {
        case UInt8(ascii: "{"), UInt8(ascii: "["): Int(UInt32(truncatingIfNeeded: tape[index]))
        case UInt8(ascii: "l"), UInt8(ascii: "u"), UInt8(ascii: "d"): index + 2
        default: index + 1
        }
    }

    @inlinable public var isNull: Bool { tag == UInt8(ascii: "n") }

    @inlinable
    public var bool: Bool? {
        tag == UInt8(ascii: "t") ? true : tag == UInt8(ascii: "f") ? false : nil
    }

    /// An integer literal in the range of Int64.
    @inlinable
    public var int: Int64? {
        tag == UInt8(ascii: "l") ? Int64(bitPattern: tape[index + 1]) : nil
    }

    /// An integer: an integer literal, or a decimal one without a fraction such as `1.0` (below 2^53).
    @inlinable
    public var wholeNumber: Int64? {
        if let int { return int }
        guard tag == UInt8(ascii: "d") else { return nil }
        let value = Double(bitPattern: tape[index + 1])
        return value.magnitude <= 0x1p53 && value.rounded(.towardZero) == value ? Int64(value) : nil
    }

    /// Any number, rounded to the nearest double.
    @inlinable
    public var double: Double? {
        switch tag {
        case UInt8(ascii: "d"): Double(bitPattern: tape[index + 1])
        case UInt8(ascii: "l"): Double(Int64(bitPattern: tape[index + 1]))
        case UInt8(ascii: "u"): Double(tape[index + 1])
        default: nil
        }
    }

    /// The UTF-8 bytes of a string, escapes resolved.
    @inlinable
    public var utf8: UnsafeBufferPointer<UInt8>? {
        guard tag == UInt8(ascii: "\"") else { return nil }
        let entry = strings + Int(tape[index] & 0x00FF_FFFF_FFFF_FFFF)
        let length = UnsafeRawPointer(entry).loadUnaligned(as: UInt32.self)
        return UnsafeBufferPointer(start: entry + 4, count: Int(length))
    }

    public var string: String? { utf8.map { String(decoding: $0, as: UTF8.self) } }

    /// Calls `body` for the elements of an array in order; does nothing for another kind.
    @inlinable
    public func forEachElement(_ body: (JSONCursor) throws -> Void) rethrows {
        guard tag == UInt8(ascii: "[") else { return }
        let end = next - 1
        var at = index + 1
        while at < end {
            let element = JSONCursor(tape: tape, strings: strings, index: at)
            try body(element)
            at = element.next
        }
    }

    /// Calls `body` with the key's UTF-8 bytes and the value of each member in file order; nothing for another kind.
    @inlinable
    public func forEachMember(_ body: (UnsafeBufferPointer<UInt8>, JSONCursor) throws -> Void) rethrows {
        guard tag == UInt8(ascii: "{") else { return }
        let end = next - 1
        var at = index + 1
        while at < end {
            let key = JSONCursor(tape: tape, strings: strings, index: at)
            let value = JSONCursor(tape: tape, strings: strings, index: at + 1)
            try body(key.utf8.unsafelyUnwrapped, value)
            at = value.next
        }
    }

    /// The member called `key`, or `nil`.
    public subscript(key: String) -> JSONCursor? {
        var result: JSONCursor?
        forEachMember { name, value in
            if result == nil, name.elementsEqual(key.utf8) { result = value }
        }
        return result
    }

    /// Elements of an array or members of an object.
    public var count: Int {
        guard tag == UInt8(ascii: "[") || tag == UInt8(ascii: "{") else { return 0 }
        // The tape counts to 2^24 - 1 and stays there.
        let counted = Int(tape[index] >> 32 & 0xFF_FFFF)
        if counted < 0xFF_FFFF { return counted }
        var count = 0
        forEachElement { _ in count += 1 }
        forEachMember { _, _ in count += 1 }
        return count
    }

    /// Numbers of an array of numbers, or `nil` if it is not one.
    public var doubles: [Double]? {
        var values: [Double] = []
        return appendDoubles(to: &values) == nil ? nil : values
    }

    /// Adds the numbers of an array of numbers to `values`; returns how many, or `nil` if it is not one.
    public func appendDoubles(to values: inout [Double]) -> Int? {
        guard tag == UInt8(ascii: "[") else { return nil }
        let before = values.count
        // A number takes two tape words, so this bounds the count from above.
        let bound = (next - 2 - index) / 2
        if values.capacity < before + bound { values.reserveCapacity(max(before + bound, 2 * before)) }
        var good = true
        forEachElement { element in
            if let value = element.double { values.append(value) } else { good = false }
        }
        return good ? values.count - before : nil
    }

    /// What stands here, for error messages.
    public var summary: String {
        switch kind {
        case .null: "null"
        case .bool: bool == true ? "true" : "false"
        case .int, .unsigned, .double: double.map { "the number \($0)" } ?? ""
        case .string: "the string \"\(String((string ?? "").prefix(40)))\""
        case .array: "an array of \(count)"
        case .object: "an object of \(count) keys"
        }
    }
}
