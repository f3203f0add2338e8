/// Comma-separated values.
///
/// - Source: RFC 4180, §2; lines end in a line feed.
public enum CSVText {
    /// A field, in double quotes where it needs them. Works on scalars: a combining mark hides no comma.
    public static func field(_ text: String) -> String {
        guard text.unicodeScalars.contains(where: { ",\"\n\r".unicodeScalars.contains($0) }) else { return text }
        var quoted = String.UnicodeScalarView("\"".unicodeScalars)
        for scalar in text.unicodeScalars { quoted.append(contentsOf: scalar == "\"" ? ["\"", "\""] : [scalar]) }
        quoted.append("\"")
        return String(quoted)
    }

    /// Lines of fields.
    public static func text(_ rows: [[String]]) -> String {
        rows.map { $0.map(field).joined(separator: ",") + "\n" }.joined()
    }
}
