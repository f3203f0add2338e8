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

    /// A key, and what is wrong with it in one or a few words.
    public typealias Misfit = (key: String, problem: String)

    /// Everything that does not fit in one message: the first twenty in full, and how many there are.
    public init(file: String, misfits: [Misfit]) {
        let shown = misfits.prefix(20).map { "\($0.key): \($0.problem)" }.joined(separator: ", ")
        self.init(
            file: file, expected: "the names, shapes and types of a plain ViT",
            found: "\(misfits.count) misfit(s): \(shown)\(misfits.count > 20 ? ", …" : "")",
            remedy: "check that this is a plain ViT of the source that --source names")
    }

    public var description: String {
        let place = record.map { "\(file), '\($0)'" } ?? file
        return "\(place): expected \(expected), found \(found); \(remedy)."
    }
}
