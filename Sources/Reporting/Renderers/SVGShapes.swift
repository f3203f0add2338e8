/// The parts that SVG charts are drawn with. Lengths are in the units of a view box 480 wide, which a phone shows at
/// about three quarters: letters of 12 units stay legible.
enum SVGShapes {
    static let width = 480.0
    /// Estimated width of a letter of 12 units.
    static let letter = 6.6

    /// The whole chart.
    static func chart(height: Double, label: String, _ children: [HTMLNode]) -> HTMLNode {
        .tag(
            "svg", ["viewBox": "0 0 \(text(width)) \(text(height))", "role": "img", "aria-label": label], children)
    }

    static func line(
        _ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double, _ style: String, css: String? = nil
    ) -> HTMLNode {
        var attributes: [(StaticString, String)] = [
            ("x1", text(x1)), ("y1", text(y1)), ("x2", text(x2)), ("y2", text(y2)), ("class", style),
        ]
        if let css { attributes.append(("style", css)) }
        return .element("line", attributes, [])
    }

    /// - Parameter css: such as `fill:var(--c0)`.
    static func rectangle(
        _ x: Double, _ y: Double, _ width: Double, _ height: Double, css: String, tip: String? = nil
    ) -> HTMLNode {
        .tag(
            "rect",
            [
                "x": text(x), "y": text(y), "width": text(max(width, 0)), "height": text(max(height, 0)), "style": css,
            ], tip.map { [.tag("title", text: $0)] } ?? [])
    }

    static func circle(_ x: Double, _ y: Double, _ radius: Double, css: String, tip: String? = nil) -> HTMLNode {
        .tag(
            "circle", ["cx": text(x), "cy": text(y), "r": text(radius), "style": css],
            tip.map { [.tag("title", text: $0)] } ?? [])
    }

    /// - Parameters:
    ///   - anchor: start, middle or end.
    ///   - turned: degrees about (x, y).
    static func label(
        _ content: String, _ x: Double, _ y: Double, _ anchor: String = "start", turned: Double? = nil,
        style: String? = nil, css: String? = nil
    ) -> HTMLNode {
        var attributes: [(StaticString, String)] = [("x", text(x)), ("y", text(y)), ("text-anchor", anchor)]
        if let turned { attributes.append(("transform", "rotate(\(text(turned)) \(text(x)) \(text(y)))")) }
        if let style { attributes.append(("class", style)) }
        if let css { attributes.append(("style", css)) }
        return .element("text", attributes, [.text(content)])
    }

    /// A name that fits into `letters`; what is cut off is marked.
    static func short(_ name: String, _ letters: Int) -> String {
        name.count <= letters ? name : name.prefix(max(1, letters - 1)) + "…"
    }

    /// One decimal, none where it is zero.
    static func text(_ value: Double) -> String {
        let text = NumberText.fixed(value, digits: 1)
        return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
    }
}
