/// A small tree for HTML and SVG. Text and attribute values are escaped when written; there is no other way to put text
/// in, so no name from a data set can become markup. `trusted` is for the style sheet and the script alone.
indirect enum HTMLNode {
    case text(String)
    case element(_ tag: StaticString, [(StaticString, String)], [HTMLNode])
    case trusted(StaticString)

    static func tag(
        _ name: StaticString, _ attributes: KeyValuePairs<StaticString, String> = [:], _ children: [HTMLNode] = []
    ) -> HTMLNode {
        .element(name, attributes.map { ($0.key, $0.value) }, children)
    }

    static func tag(
        _ name: StaticString, _ attributes: KeyValuePairs<StaticString, String> = [:], text: String
    ) -> HTMLNode {
        tag(name, attributes, [.text(text)])
    }

    /// Tags that have no content and no end tag.
    private static let empty: Set<String> = ["meta", "img", "br"]
    /// Tags that start a line, so that the file can be read and compared.
    private static let ownLine: Set<String> = [
        "html", "head", "body", "meta", "title", "style", "main", "header", "section", "h1", "h2", "p", "table",
        "thead",
        "tbody", "tr", "figure", "figcaption", "svg", "g", "path", "line", "pre", "div", "script",
    ]

    func write(to out: inout String) {
        switch self {
        case .text(let text): Self.escape(text, to: &out)
        case .trusted(let text): out += text.description
        case .element(let tag, let attributes, let children):
            let name = tag.description
            if Self.ownLine.contains(name) && !out.isEmpty && out.utf8.last != UInt8(ascii: "\n") { out += "\n" }
            out += "<\(name)"
            for (key, value) in attributes {
                out += " \(key.description)=\""
                Self.escape(value, to: &out)
                out += "\""
            }
            out += ">"
            if Self.empty.contains(name) { return }
            for child in children { child.write(to: &out) }
            out += "</\(name)>"
        }
    }

    /// Markup characters become entities; what steers or hides becomes U+FFFD.
    private static func escape(_ text: String, to out: inout String) {
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": out += "&amp;"
            case "<": out += "&lt;"
            case ">": out += "&gt;"
            case "\"": out += "&quot;"
            case "'": out += "&#39;"
            case "\n", "\t": out.unicodeScalars.append(scalar)
            default: out.unicodeScalars.append(VisibleText.steers(scalar) ? "\u{FFFD}" : scalar)
            }
        }
    }
}
