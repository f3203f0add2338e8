import SafeFiles

/// What a recipe does.
public enum RecipeKind: String, Sendable, CaseIterable {
    case pretrain, distill, train, eval, quickstart, lab
}

/// The keys that every recipe has: what it is, where it comes from, what it costs and what to expect.
public struct RecipeHeader: Sendable, Equatable {
    public var kind: RecipeKind
    public var name: String
    /// The paper or place the settings come from.
    public var source: String
    /// Time and memory on a named machine.
    public var cost: String
    /// The expected number with its tolerance, or why none is known.
    public var expected: String

    /// Reads `kind`, `name`, `source`, `cost` and `expected`.
    public init(_ reader: RecipeReader) throws(DataError) {
        kind = try reader.choice("kind")
        name = try reader.value("name")
        source = try reader.value("source")
        cost = try reader.value("cost")
        expected = try reader.value("expected")
    }
}
