/// Comma-separated values.
///
/// - Source: RFC 4180, §2; lines end in a line feed.
public enum CSVText {
    /// A field, in double quotes where it needs them.
    public static func field(_ text: String) -> String {
        guard text.contains(where: { ",\"\n\r\r\n".contains($0) }) else { return text }
        return "\"" + text.replacing("\"", with: "\"\"") + "\""
    }

    /// Lines of fields.
    public static func text(_ rows: [[String]]) -> String {
        rows.map { $0.map(field).joined(separator: ",") + "\n" }.joined()
    }
}
