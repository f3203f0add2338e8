/// A type that a scalar or list of a recipe can be read as.
public protocol RecipeValue {
    /// What is expected, in the words of error messages: "a whole number".
    static var expectation: String { get }
    /// - Returns: nil when the value is of another kind.
    static func read(_ node: RecipeNode) -> Self?
}

extension RecipeNode {
    /// The text of a scalar that is not null.
    var text: String? {
        if case .scalar(let text, _) = content, !isNull { return text }
        return nil
    }

    /// The text of a scalar without quotes: what numbers and truth values are read from.
    var plainText: String? {
        if case .scalar(let text, isQuoted: false) = content, !isNull { return text }
        return nil
    }
}

extension String: RecipeValue {
    public static var expectation: String { "a text" }
    public static func read(_ node: RecipeNode) -> String? { node.text }
}

extension Bool: RecipeValue {
    public static var expectation: String { "true or false" }
    public static func read(_ node: RecipeNode) -> Bool? { node.plainText.flatMap { Bool($0) } }
}

extension Int: RecipeValue {
    public static var expectation: String { "a whole number" }
    /// Digits, with `_` between them where that reads better.
    public static func read(_ node: RecipeNode) -> Int? {
        node.plainText.flatMap { Int($0.filter { $0 != "_" }) }
    }
}

extension UInt64: RecipeValue {
    public static var expectation: String { "a whole number from 0" }
    public static func read(_ node: RecipeNode) -> UInt64? {
        node.plainText.flatMap { UInt64($0.filter { $0 != "_" }) }
    }
}

extension Double: RecipeValue {
    public static var expectation: String { "a number" }
    /// Finite decimals; `1e-3`, `0.1` and `3` all count.
    public static func read(_ node: RecipeNode) -> Double? {
        guard let text = node.plainText, text.allSatisfy({ "+-.0123456789eE_".contains($0) }),
            let value = Double(text.filter { $0 != "_" }), value.isFinite
        else { return nil }
        return value
    }
}

extension Array: RecipeValue where Element: RecipeValue {
    public static var expectation: String { "a list, each \(Element.expectation)" }
    public static func read(_ node: RecipeNode) -> [Element]? {
        guard case .list(let items) = node.content else { return nil }
        var values: [Element] = []
        for item in items {
            guard let value = Element.read(item) else { return nil }
            values.append(value)
        }
        return values
    }
}
