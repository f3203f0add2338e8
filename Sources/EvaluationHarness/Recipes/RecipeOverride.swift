import SafeFiles

/// One change to a recipe from the command line.
///
///     optimizer.rate=1e-3     set a value that exists      heads[0].name=fcn   list items count from 0
///     +optimizer.beta=0.9     add a value                  ~augment.flip       delete one
public struct RecipeOverride: Sendable, Equatable {
    public enum Step: Sendable, Equatable {
        case key(String)
        case index(Int)
    }

    public enum Change: Sendable, Equatable {
        case set(RecipeNode)
        case add(RecipeNode)
        case delete
    }

    /// As typed.
    public let argument: String
    public let path: [Step]
    public let change: Change

    /// - Throws: `.configuration` for an argument of another form.
    public init(_ argument: String) throws(DataError) {
        self.argument = argument
        var rest = Substring(argument)
        if rest.hasPrefix("~") {
            rest = rest.dropFirst()
            if rest.hasSuffix("=") { rest = rest.dropLast() }
            path = try Self.path(rest, argument)
            change = .delete
            return
        }
        let adds = rest.hasPrefix("+")
        if adds { rest = rest.dropFirst() }
        guard let equals = rest.firstIndex(of: "=") else {
            throw Self.refused(argument, "no '='")
        }
        path = try Self.path(rest[..<equals], argument)
        let value = try YAMLText.parse(override: String(rest[rest.index(after: equals)...]), argument: argument)
        change = adds ? .add(value) : .set(value)
    }

    private static func refused(_ argument: String, _ found: String) -> DataError {
        DataError(
            .configuration, file: "'\(argument)'", expected: "key.sub=value, +key=value or ~key", found: found,
            remedy: "correct the argument")
    }

    /// `a.b[2].c` in steps.
    private static func path(_ text: Substring, _ argument: String) throws(DataError) -> [Step] {
        var steps: [Step] = []
        for part in text.split(separator: ".", omittingEmptySubsequences: false) {
            let name = part.prefix { $0 != "[" }
            if name.isEmpty { throw refused(argument, "an empty key") }
            if name.utf8.count > YAMLLimits.maximalKeyBytes {
                throw refused(argument, "a key of \(name.utf8.count) bytes; \(YAMLLimits.maximalKeyBytes) are allowed")
            }
            steps.append(.key(String(name)))
            var rest = part.dropFirst(name.count)
            while !rest.isEmpty {
                guard let close = rest.firstIndex(of: "]"), let index = Int(rest[rest.startIndex..<close].dropFirst()),
                    rest.first == "[", index >= 0
                else { throw refused(argument, "'\(rest)' where an index such as [0] belongs") }
                steps.append(.index(index))
                rest = rest[rest.index(after: close)...]
            }
        }
        return steps
    }

    /// The recipe with this change.
    ///
    /// - Throws: `.configuration` when the place does not exist (or, for `+`, exists already).
    public func applied(to root: RecipeNode) throws(DataError) -> RecipeNode {
        try apply(root, path[...], done: "")
    }

    private func apply(_ node: RecipeNode, _ steps: ArraySlice<Step>, done: String) throws(DataError) -> RecipeNode {
        guard let step = steps.first else { return node }
        switch (step, node.content) {
        case (.key(let key), .map(var pairs)):
            let here = done.isEmpty ? key : "\(done).\(key)"
            let position = pairs.firstIndex { $0.key == key }
            if steps.count > 1 {
                if let position {
                    pairs[position].value = try apply(pairs[position].value, steps.dropFirst(), done: here)
                } else if case .add = change, case .key = steps[steps.startIndex + 1] {
                    let empty = RecipeNode(.map([]), origin: .commandLine)
                    pairs.append((key, try apply(empty, steps.dropFirst(), done: here)))
                } else {
                    throw unknown(here, key, pairs.map(\.key))
                }
            } else {
                switch (change, position) {
                case (.set(let value), let position?): pairs[position].value = value
                case (.add(let value), nil): pairs.append((key, value))
                case (.delete, let position?): pairs.remove(at: position)
                case (.add, _?):
                    throw DataError(
                        .configuration, file: "'\(argument)'", record: here, expected: "a new key",
                        found: "a key that exists",
                        remedy: "leave the '+' out to change it")
                case (_, nil): throw unknown(here, key, pairs.map(\.key))
                }
            }
            return RecipeNode(.map(pairs), origin: node.origin)
        case (.index(let index), .list(var items)):
            let here = "\(done)[\(index)]"
            if case .add(let value) = change, steps.count == 1, index == items.count {
                items.append(value)
            } else if !items.indices.contains(index) {
                throw DataError(
                    .configuration, file: "'\(argument)'", record: here, expected: "an index below \(items.count)",
                    found: "\(index)", remedy: "choose an item that exists, or add [\(items.count)] with '+'")
            } else if steps.count > 1 {
                items[index] = try apply(items[index], steps.dropFirst(), done: here)
            } else {
                switch change {
                case .set(let value): items[index] = value
                case .add(let value): items.insert(value, at: index)
                case .delete: items.remove(at: index)
                }
            }
            return RecipeNode(.list(items), origin: node.origin)
        default:
            let isIndex = if case .index = step { true } else { false }
            throw DataError(
                .configuration, file: "'\(argument)'", record: done, expected: isIndex ? "a list" : "a map of keys",
                found: node.summary, remedy: "check the path with 'dmt recipes show'")
        }
    }

    private func unknown(_ here: String, _ key: String, _ known: [String]) -> DataError {
        var remedy = "write +\(here)=value to add a key"
        if case .delete = change { remedy = "leave it out" }
        if let near = Spelling.nearest(to: key, among: known) { remedy = "did you mean '\(near)'? Else " + remedy }
        return DataError(
            .configuration, file: "'\(argument)'", record: here, expected: "a key of the recipe",
            found: "an unknown key",
            remedy: remedy)
    }
}
