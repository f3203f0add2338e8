extension RecipeNode {
    /// The value as YAML, one line a scalar, with the origin of each scalar as a comment where asked.
    ///
    /// Reading the text back gives the same values.
    public func yaml(withOrigins: Bool = false) -> String {
        var lines: [(text: String, origin: RecipeOrigin?)] = []
        appendLines(to: &lines, indent: "", lead: "")
        let width = min(48, lines.map(\.text.count).max() ?? 0)
        return lines.map { line in
            guard withOrigins, let origin = line.origin else { return line.text + "\n" }
            let gap = String(repeating: " ", count: max(2, width + 2 - line.text.count))
            return line.text + gap + "# \(Self.escaped(origin.description))\n"
        }.joined()
    }

    /// - Parameters:
    ///   - indent: blanks before every further line of this value.
    ///   - lead: what stands before the value on its first line: `key:` or `-`, with its own blanks.
    private func appendLines(
        to lines: inout [(text: String, origin: RecipeOrigin?)], indent: String, lead: String
    ) {
        switch content {
        case .scalar(let text, let isQuoted):
            let value = Self.scalar(text, isQuoted: isQuoted)
            lines.append((lead.isEmpty ? value : lead + (value.isEmpty ? "" : " " + value), origin))
        case .list(let items):
            if items.isEmpty {
                lines.append((lead.isEmpty ? "[]" : lead + " []", origin))
                return
            }
            if !lead.isEmpty { lines.append((lead, nil)) }
            for item in items { item.appendLines(to: &lines, indent: indent + "  ", lead: indent + "-") }
        case .map(let pairs):
            if pairs.isEmpty {
                lines.append((lead.isEmpty ? "{}" : lead + " {}", origin))
                return
            }
            if !lead.isEmpty { lines.append((lead, nil)) }
            for (key, value) in pairs {
                let name = Self.scalar(key, isQuoted: key.isEmpty || !Self.isPlain(key))
                value.appendLines(to: &lines, indent: indent + "  ", lead: indent + name + ":")
            }
        }
    }

    private static func scalar(_ text: String, isQuoted: Bool) -> String {
        !isQuoted && isPlain(text) ? text : "\"\(escaped(text))\""
    }

    /// A text as it stands between quotes.
    private static func escaped(_ text: String) -> String {
        let references = Set(YAMLLimits.references(in: Array(text.utf8)).map(\.offset))
        var (escaped, offset) = ("", 0)
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": escaped += "\\\""
            case "\\": escaped += "\\\\"
            case "\n": escaped += "\\n"
            case "\t": escaped += "\\t"
            case "\r": escaped += "\\r"
            case _ where !isPrintable(scalar) || references.contains(offset):
                let digits = String(scalar.value, radix: 16)
                escaped += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: escaped.unicodeScalars.append(scalar)
            }
            offset += UTF8.width(scalar)
        }
        return escaped
    }

    /// What may stand in a YAML text as it is (YAML 1.2, §5.1), but for breaks that readers fold. All else lies below
    /// 0x10000.
    private static func isPrintable(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x20...0x7E, 0xA0...0x2027, 0x202A...0xFEFE, 0xFF00...0xFFFD, 0x1_0000...: true
        default: false
        }
    }

    /// Whether a text may stand without quotes in block YAML without changing its meaning; nothing may.
    static func isPlain(_ text: String) -> Bool {
        // In bytes: a combining mark behind a blank or a colon makes them another character.
        let bytes = Array(text.utf8)
        guard let first = bytes.first, let last = bytes.last else { return true }
        let (blank, colon) = (UInt8(ascii: " "), UInt8(ascii: ":"))
        if first == blank || last == blank || last == colon { return false }
        if text == "-" || text == "?" || ["- ", "? ", "---", "..."].contains(where: { bytes.starts(with: $0.utf8) }) {
            return false
        }
        if "[]{},#&*!|>'\"%@`:".utf8.contains(first) { return false }
        if bytes.contains(": ".utf8) || bytes.contains(" #".utf8) { return false }
        return bytes.allSatisfy { $0 >= 0x20 && $0 < 0x7F } && YAMLLimits.references(in: bytes).isEmpty
    }
}
