/// What is wrong with a file, a record or a setting, in the words a user needs to mend it.
///
/// The one error type of every reader and writer of external data. `description` is one sentence.
public struct DataError: Error, CustomStringConvertible, Sendable, Equatable {
    /// The class of trouble; the command line turns it into an exit code.
    public enum Kind: String, Sendable {
        /// An input does not exist (exit 66).
        case missing
        /// An input exists and breaks a rule (exit 65).
        case malformed
        /// An output cannot be created or written (exit 73).
        case cannotWrite
        /// The disk is full (exit 74).
        case diskFull
        /// A device failed while a file was read or written (exit 74).
        case deviceFailed
        /// A recipe or descriptor is wrong (exit 78).
        case configuration
    }

    public var kind: Kind
    public var file: String
    /// The record inside the file: an annotation id, an array index, a key, a byte offset.
    public var record: String?
    public var expected: String
    public var found: String
    public var remedy: String

    public init(
        _ kind: Kind, file: String, record: String? = nil, expected: String, found: String, remedy: String
    ) {
        self.kind = kind
        self.file = file
        self.record = record
        self.expected = expected
        self.found = found
        self.remedy = remedy
    }

    public var description: String {
        let place = record.map { "\(file), \($0)" } ?? file
        // A remedy may be a question: "did you mean 'steps'?"
        return "\(place): expected \(expected), found \(found); \(remedy)" + (remedy.hasSuffix("?") ? "" : ".")
    }
}
