/// Text of a page with names from anywhere in it: what is written from right to left stands apart, so that it cannot turn the
/// numbers and words around it.
enum HTMLText {
    /// The text, its right-to-left runs in elements of their own.
    static func nodes(_ text: String) -> [HTMLNode] {
        let scalars = text.unicodeScalars
        guard scalars.contains(where: VisibleText.isRightToLeft) else { return [.text(text)] }
        var nodes: [HTMLNode] = []
        var rest = scalars[...]
        while let start = rest.firstIndex(where: VisibleText.isRightToLeft) {
            // The run goes on over spaces and signs, up to the last such letter before a letter or digit of another kind.
            var end = rest.index(after: start)
            var place = end
            while place < rest.endIndex {
                let scalar = rest[place]
                place = rest.index(after: place)
                if VisibleText.isRightToLeft(scalar) {
                    end = place
                } else if scalar.properties.isAlphabetic || scalar.properties.numericType != nil {
                    break
                }
            }
            if rest.startIndex < start { nodes.append(.text(String(rest[..<start]))) }
            nodes.append(.tag("bdi", text: String(rest[start..<end])))
            rest = rest[end...]
        }
        return rest.isEmpty ? nodes : nodes + [.text(String(rest))]
    }
}

extension HTMLNode {
    /// An element of text that may hold names.
    static func words(
        _ name: StaticString, _ attributes: KeyValuePairs<StaticString, String> = [:], _ text: String
    ) -> HTMLNode {
        tag(name, attributes, HTMLText.nodes(text))
    }
}
