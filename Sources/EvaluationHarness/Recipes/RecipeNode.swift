/// Where a value of a recipe comes from.
public enum RecipeOrigin: Sendable, Equatable, CustomStringConvertible {
    /// A line of a YAML file, counted from 1.
    case file(String, line: Int)
    /// An override such as `optimizer.rate=1e-3`.
    case commandLine

    public var description: String {
        switch self {
        case .file(let file, let line): "\(file):\(line)"
        case .commandLine: "command line"
        }
    }
}

/// A value of a recipe: text, list or map, and where it was written.
///
/// Scalars stay text until a `RecipeReader` asks for a type, so `lr: 1e-3`, `name: 007` and `flag: on` never change
/// their meaning on the way.
public struct RecipeNode: Sendable {
    public indirect enum Content: Sendable {
        /// `isQuoted` tells `"1"` and `"null"` (texts) from `1` and `null`.
        case scalar(String, isQuoted: Bool)
        case list([RecipeNode])
        /// In file order; keys are unique.
        case map([(key: String, value: RecipeNode)])
    }

    public var content: Content
    public var origin: RecipeOrigin

    public init(_ content: Content, origin: RecipeOrigin) {
        self.content = content
        self.origin = origin
    }

    /// Whether the value says "nothing here": `null`, `~` or an empty plain scalar.
    public var isNull: Bool {
        if case .scalar(let text, isQuoted: false) = content { return text == "null" || text == "~" || text.isEmpty }
        return false
    }

    /// The value under `key`; nil for another kind or an absent key.
    public subscript(key: String) -> RecipeNode? {
        guard case .map(let pairs) = content else { return nil }
        return pairs.first { $0.key == key }?.value
    }

    /// What the value is, in the words of error messages.
    public var summary: String {
        switch content {
        case .scalar where isNull: return "nothing"
        case .scalar(let text, let isQuoted):
            let short = text.count > 60 ? String(text.prefix(57)) + "..." : text
            return isQuoted ? "the text \"\(short)\"" : "'\(short)'"
        case .list(let items): return "a list of \(items.count)"
        case .map(let pairs): return "a map of \(pairs.count) keys"
        }
    }

    /// This map with the keys of `other` laid over it: maps merge, everything else is replaced whole.
    public func merged(with other: RecipeNode) -> RecipeNode {
        guard case .map(var pairs) = content, case .map(let over) = other.content else { return other }
        for (key, value) in over {
            if let index = pairs.firstIndex(where: { $0.key == key }) {
                pairs[index].value = pairs[index].value.merged(with: value)
            } else {
                pairs.append((key, value))
            }
        }
        return RecipeNode(.map(pairs), origin: other.origin)
    }

    /// Every scalar (and empty list or map) with its path `a.b[0].c`, in order.
    public func leaves(path: String = "") -> [(path: String, node: RecipeNode)] {
        switch content {
        case .scalar: return [(path, self)]
        case .list(let items):
            if items.isEmpty { return [(path, self)] }
            return items.enumerated().flatMap { $1.leaves(path: "\(path)[\($0)]") }
        case .map(let pairs):
            if pairs.isEmpty { return [(path, self)] }
            return pairs.flatMap { $0.value.leaves(path: path.isEmpty ? $0.key : "\(path).\($0.key)") }
        }
    }
}

extension RecipeNode: Equatable {
    public static func == (a: RecipeNode, b: RecipeNode) -> Bool { a.origin == b.origin && a.hasSameValue(as: b) }

    /// Equality of values, wherever they were written.
    public func hasSameValue(as other: RecipeNode) -> Bool {
        switch (content, other.content) {
        case (.scalar(let a, let x), .scalar(let b, let y)): a == b && x == y
        case (.list(let a), .list(let b)): a.count == b.count && zip(a, b).allSatisfy { $0.hasSameValue(as: $1) }
        case (.map(let a), .map(let b)):
            a.count == b.count && zip(a, b).allSatisfy { $0.key == $1.key && $0.value.hasSameValue(as: $1.value) }
        default: false
        }
    }
}
