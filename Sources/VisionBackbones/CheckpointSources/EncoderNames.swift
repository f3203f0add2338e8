/// The encoder's names in one checkpoint.
public struct EncoderNames: Sendable, Equatable {
    public let source: CheckpointSource
    /// What stands before each name of the encoder.
    public let prefix: String

    /// - Parameters:
    ///   - keys: of the whole checkpoint.
    ///   - file: named in the error.
    /// - Throws: where no prefix of the source is followed by a patch projection.
    public init(_ source: CheckpointSource, keys: some Collection<String>, file: String) throws(CheckpointError) {
        let all = Set(keys)
        func prefix(_ layout: CheckpointLayout) -> String? {
            layout.prefixes.first { all.contains($0 + layout.projection) }
        }
        guard let found = prefix(source.layout) else {
            let others = CheckpointSource.allCases.filter { $0 != source && prefix($0.layout) != nil }
            let shown = keys.prefix(3).map { "'\($0)'" }.joined(separator: ", ")
            throw CheckpointError(
                file: file, expected: "a ViT of \(source.rawValue), with '\(source.layout.projection)'",
                found: keys.isEmpty
                    ? "no tensors" : "no such name among \(keys.count): \(shown)\(keys.count > 3 ? ", …" : "")",
                remedy: others.isEmpty
                    ? "list the names with dmt model info"
                    : "the names would fit --source \(others.map(\.rawValue).joined(separator: " or "))")
        }
        self.source = source
        self.prefix = found
    }

    /// The name in our ViT of a checkpoint's key; nil for keys of decoders, classifiers and other networks.
    public func name(of key: String) -> String? {
        guard key.hasPrefix(prefix) else { return nil }
        let name = String(key.dropFirst(prefix.count))
        return source.layout.strangers.contains { name.hasPrefix($0) } ? nil : source.layout.rename(name)
    }
}
