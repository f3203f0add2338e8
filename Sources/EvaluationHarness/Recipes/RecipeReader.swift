import SafeFiles

/// Reads the keys of one map of a recipe by type, and remembers which were asked for.
///
///     let reader = recipe.reader()
///     let epochs: Int = try reader.int("epochs", in: 1...10_000)
///     let rate = try reader.value("rate", default: 1e-3)
///     let student = try reader.map("student")
///     try reader.assertAllKeysRead()          // a key that nobody asked for is an error
///
/// Every error is `DataError.configuration` and names file and line (or the command line), key, expectation and value.
public final class RecipeReader {
    public let node: RecipeNode
    /// The path of this map in the recipe, "" for the whole.
    public let path: String
    private let file: String
    private var asked: [String] = []
    private var children: [RecipeReader] = []

    /// - Parameters:
    ///   - node: a map; another kind reads as an empty one (`Recipe` refuses it before).
    ///   - file: named where a missing key has no line.
    public init(_ node: RecipeNode, file: String, path: String = "") {
        self.node = node
        self.file = file
        self.path = path
    }

    /// The keys in file order.
    public var keys: [String] {
        if case .map(let pairs) = node.content { return pairs.map(\.key) }
        return []
    }

    /// Whether the key is there and not null. Counts as asking for it.
    public func has(_ key: String) -> Bool { find(key) != nil }

    // MARK: Scalars and lists

    /// A value that must be there.
    public func value<Value: RecipeValue>(_ key: String, as type: Value.Type = Value.self) throws(DataError) -> Value {
        try decode(try required(key, Value.expectation), key)
    }

    /// A value, or `fallback` where the recipe has none.
    public func value<Value: RecipeValue>(_ key: String, default fallback: Value) throws(DataError) -> Value {
        guard let found = find(key) else { return fallback }
        return try decode(found, key)
    }

    /// A value, or nil where the recipe has none.
    public func optional<Value: RecipeValue>(_ key: String, as type: Value.Type = Value.self) throws(DataError)
        -> Value?
    {
        guard let found = find(key) else { return nil }
        return try decode(found, key) as Value
    }

    /// A whole number in a range.
    public func int(_ key: String, in range: ClosedRange<Int>, default fallback: Int? = nil) throws(DataError) -> Int {
        try ranged(key, range, fallback)
    }

    /// A number in a range.
    public func double(
        _ key: String, in range: ClosedRange<Double>, default fallback: Double? = nil
    ) throws(DataError) -> Double {
        try ranged(key, range, fallback)
    }

    private func ranged<Value: RecipeValue & Comparable>(
        _ key: String, _ range: ClosedRange<Value>, _ fallback: Value?
    ) throws(DataError) -> Value {
        let value: Value = if let fallback { try self.value(key, default: fallback) } else { try self.value(key) }
        guard range.contains(value) else {
            throw refused(
                key, expected: "\(range.lowerBound) to \(range.upperBound)", found: "\(value)",
                "choose a value in that range")
        }
        return value
    }

    /// One of the words of an enumeration.
    public func choice<Choice: RawRepresentable<String> & CaseIterable>(
        _ key: String, as type: Choice.Type = Choice.self, default fallback: Choice? = nil
    ) throws(DataError) -> Choice {
        guard let text: String = try optional(key) else {
            if let fallback { return fallback }
            throw missing(key, "one of \(Self.words(Choice.self))")
        }
        if let choice = Choice(rawValue: text) { return choice }
        let near = Spelling.nearest(to: text, among: Choice.allCases.map(\.rawValue))
        throw refused(
            key, expected: "one of \(Self.words(Choice.self))", found: "'\(text)'",
            near.map { "did you mean '\($0)'?" } ?? "choose one of them")
    }

    private static func words<Choice: RawRepresentable<String> & CaseIterable>(_ type: Choice.Type) -> String {
        Choice.allCases.map(\.rawValue).joined(separator: ", ")
    }

    // MARK: Maps

    /// A reader over the map under `key`.
    public func map(_ key: String) throws(DataError) -> RecipeReader {
        try child(try required(key, "a map of keys"), key, path: childPath(key))
    }

    /// A reader over the map under `key`, or nil where the recipe has none.
    public func optionalMap(_ key: String) throws(DataError) -> RecipeReader? {
        guard let found = find(key) else { return nil }
        return try child(found, key, path: childPath(key))
    }

    /// Readers over a list of maps; an absent key is an empty list.
    public func maps(_ key: String) throws(DataError) -> [RecipeReader] {
        guard let found = find(key) else { return [] }
        guard case .list(let items) = found.content else {
            throw refused(key, expected: "a list of maps", found: found.summary, "start each item with '- '")
        }
        var readers: [RecipeReader] = []
        for (index, item) in items.enumerated() {
            readers.append(try child(item, "\(key)[\(index)]", path: childPath(key) + "[\(index)]"))
        }
        return readers
    }

    private func child(_ found: RecipeNode, _ key: String, path: String) throws(DataError) -> RecipeReader {
        guard case .map = found.content else {
            throw DataError(
                .configuration, file: "\(found.origin)", record: path, expected: "a map of keys", found: found.summary,
                remedy: "write 'key: value' lines under it")
        }
        let reader = RecipeReader(found, file: file, path: path)
        children.append(reader)
        return reader
    }

    // MARK: Strictness and errors

    /// - Throws: `.configuration` for the first key, here or in a map read through this reader, that nobody asked for.
    public func assertAllKeysRead() throws(DataError) {
        for key in keys where !asked.contains(key) {
            let near = Spelling.nearest(to: key, among: asked.filter { !keys.contains($0) })
            throw refused(
                key, expected: asked.isEmpty ? "no key" : "one of " + asked.joined(separator: ", "),
                found: "an unknown key",
                near.map { "did you mean '\($0)'?" } ?? "remove it or correct its name")
        }
        for child in children { try child.assertAllKeysRead() }
    }

    /// An error about `key` for checks that types cannot express.
    public func refused(_ key: String, expected: String, found: String, _ remedy: String) -> DataError {
        let origin = node[key].map { "\($0.origin)" } ?? place
        return DataError(
            .configuration, file: origin, record: childPath(key), expected: expected, found: found, remedy: remedy)
    }

    private var place: String { path.isEmpty ? file : "\(node.origin)" }

    private func childPath(_ key: String) -> String { path.isEmpty ? key : "\(path).\(key)" }

    private func find(_ key: String) -> RecipeNode? {
        if !asked.contains(key) { asked.append(key) }
        return node[key].flatMap { $0.isNull ? nil : $0 }
    }

    private func required(_ key: String, _ expectation: String) throws(DataError) -> RecipeNode {
        if let found = find(key) { return found }
        throw missing(key, expectation)
    }

    private func missing(_ key: String, _ expectation: String) -> DataError {
        let near = Spelling.nearest(to: key, among: keys.filter { !asked.contains($0) })
        return refused(
            key, expected: expectation, found: "nothing",
            near.map { "is '\($0)' meant to be '\(key)'?" } ?? "add '\(key):'")
    }

    private func decode<Value: RecipeValue>(_ found: RecipeNode, _ key: String) throws(DataError) -> Value {
        if let value = Value.read(found) { return value }
        throw refused(key, expected: Value.expectation, found: found.summary, "correct the value")
    }
}
