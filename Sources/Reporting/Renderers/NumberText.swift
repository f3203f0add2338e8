import Foundation

/// Numbers as text, the same in every renderer: decimal point, no grouping, no locale.
public enum NumberText {
    /// A fixed number of decimals; "−0.00" is written "0.00".
    public static func fixed(_ value: Double, digits: Int) -> String {
        let text = String(format: "%.\(digits)f", value)
        return text.hasPrefix("-") && !text.contains { "123456789".contains($0) } ? String(text.dropFirst()) : text
    }

    /// A fixed number of decimals after a sign, "+" for zero too.
    public static func signed(_ value: Double, digits: Int) -> String {
        let text = fixed(value, digits: digits)
        return text.hasPrefix("-") ? text : "+" + text
    }

    /// The shortest text that reads back as the same number.
    public static func exact(_ value: Double) -> String {
        value == value.rounded() && abs(value) < 1e15 ? String(format: "%.0f", value) : "\(value)"
    }

    /// For axes and human tables: about four significant digits.
    public static func short(_ value: Double) -> String { String(format: "%.4g", value) }
}
