/// Something in the input that changes the numbers in a way users do not expect; the numbers still follow COCO.
public struct CocoWarning: Sendable, Hashable, CustomStringConvertible {
    /// A fixed identifier, such as `truth-id-0`.
    public var code: String
    public var advice: String

    public init(_ code: String, _ advice: String) {
        self.code = code
        self.advice = advice
    }

    public var description: String { "\(code): \(advice)" }
}

/// An input that has no COCO answer: where the reference tool stops with an exception or never returns.
public struct CocoInputError: Error, CustomStringConvertible, Sendable, Equatable {
    public enum Side: String, Sendable { case truth, results }

    public var side: Side
    public var record: String
    public var expected: String
    public var found: String
    public var remedy: String

    public init(_ side: Side, record: String, expected: String, found: String, remedy: String) {
        self.side = side
        self.record = record
        self.expected = expected
        self.found = found
        self.remedy = remedy
    }

    public var description: String { "\(side.rawValue), \(record): expected \(expected), found \(found); \(remedy)." }
}
