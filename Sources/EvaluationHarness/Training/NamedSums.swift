import JSONText

/// Sums and counts by name, in the order first seen.
public struct NamedSums: Sendable, Equatable {
    public struct Entry: Sendable, Equatable {
        public var name: String
        public var sum: Double
        public var count: Int
    }
    public private(set) var entries: [Entry] = []

    public init() {}

    public mutating func add(_ name: String, _ value: Double) {
        if let at = entries.firstIndex(where: { $0.name == name }) {
            entries[at].sum += value
            entries[at].count += 1
        } else {
            entries.append(Entry(name: name, sum: value, count: 1))
        }
    }

    public var means: [(name: String, mean: Double)] { entries.map { ($0.name, $0.sum / Double($0.count)) } }
}

/// Sums that a training carries along beside its history; a snapshot keeps them.
public protocol CarriedSums: AnyObject {
    var sums: [NamedSums] { get set }
}

// MARK: Exact JSON

extension NamedSums {
    /// `[[name, sum, count], …]`, sums by their bits.
    var json: JSONValue {
        .array(entries.map { .array([.string($0.name), .init(exactly: $0.sum), .int(Int64($0.count))]) })
    }

    /// Nil for what `json` does not write.
    init?(_ json: JSONValue?) {
        guard let items = json?.array else { return nil }
        for item in items {
            guard let name = item[0]?.string, let sum = item[1]?.exactDouble, let count = item[2]?.index else {
                return nil
            }
            entries.append(Entry(name: name, sum: sum, count: count))
        }
    }
}

extension JSONValue {
    /// A number by its 64 bits, in hexadecimal digits: reads back to the same bits, NaN and infinities too.
    init(exactly value: Double) { self = .string(String(value.bitPattern, radix: 16)) }

    /// What `init(exactly:)` wrote.
    var exactDouble: Double? { string.flatMap { UInt64($0, radix: 16) }.map { Double(bitPattern: $0) } }

    /// A whole number from 0.
    var index: Int? { int.flatMap { Int(exactly: $0) }.flatMap { $0 >= 0 ? $0 : nil } }
}
