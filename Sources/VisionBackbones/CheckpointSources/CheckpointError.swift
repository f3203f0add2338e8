/// Why a checkpoint is not the encoder it was taken for.
public struct CheckpointError: Error, CustomStringConvertible, Sendable, Equatable {
    public var file: String
    /// The key, where one is to blame.
    public var record: String?
    public var expected: String
    public var found: String
    public var remedy: String

    public init(file: String, record: String? = nil, expected: String, found: String, remedy: String) {
        self.file = file
        self.record = record
        self.expected = expected
        self.found = found
        self.remedy = remedy
    }

    public var description: String {
        let place = record.map { "\(file), '\($0)'" } ?? file
        return "\(place): expected \(expected), found \(found); \(remedy)."
    }
}
