/// A chart as a file of its own: the SVG of the HTML page with a white ground and the light page's colours written out, so
/// that every viewer and every paper shows it alike.
public struct SVGRenderer: Sendable {
    public init() {}

    public func render(_ chart: LineChart) -> String { file(SVGLineChart(chart).node) }

    public func render(_ plot: Plot) -> String { file(Self.node(plot)) }

    static func node(_ plot: Plot) -> HTMLNode {
        switch plot {
        case .bars(let chart): SVGBarChart(chart).node
        case .heatMap(let map): SVGHeatMap(map).node
        case .reliability(let diagram): SVGReliabilityDiagram(diagram).node
        case .scatter(let chart): SVGScatterChart(chart).node
        case .key(let key): SVGColourKey(key).node
        }
    }

    private func file(_ node: HTMLNode) -> String {
        guard case .element(let tag, let attributes, let children) = Self.resolved(node) else { return "" }
        let box = attributes.first { $0.0.description == "viewBox" }?.1.split(separator: " ").compactMap { Double($0) }
        let (width, height) = (box?[2] ?? 0, box?[3] ?? 0)
        let ground = SVGShapes.rectangle(0, 0, width, height, css: "fill:#ffffff")
        let root: [(StaticString, String)] = [
            ("xmlns", "http://www.w3.org/2000/svg"), ("width", SVGShapes.text(width)),
            ("height", SVGShapes.text(height)),
        ]
        let head: [HTMLNode] = [.tag("style", [:], [.trusted(Self.sheet)]), ground]
        var text = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
        HTMLNode.element(tag, root + attributes, head + children).write(to: &text)
        return text + "\n"
    }

    /// The node with every colour of the page's style in place of its name. Text stays what it is.
    private static func resolved(_ node: HTMLNode) -> HTMLNode {
        guard case .element(let tag, let attributes, let children) = node else { return node }
        let written = attributes.map { name, value -> (StaticString, String) in
            guard name.description == "style" else { return (name, value) }
            return (name, colours.reduce(value) { $0.replacing("var(--\($1.0))", with: $1.1) })
        }
        return .element(tag, written, children.map(resolved))
    }

    /// Those of `HTMLStyle` in light; a test compares them.
    static let colours = [
        ("page", "#ffffff"), ("ink", "#1d2129"), ("quiet", "#626b7a"), ("rule", "#d9dde4"), ("c0", "#0072b2"),
        ("c1", "#d55e00"), ("c2", "#009e73"), ("c3", "#cc79a7"), ("c4", "#a88400"), ("c5", "#56b4e9"),
        ("c6", "#555555"),
    ]

    private static let sheet: StaticString = """
        text { fill: #626b7a; font: 12px sans-serif; } .key { fill: #1d2129; }
        .grid { stroke: #d9dde4; stroke-width: 1; } .axis { stroke: #626b7a; stroke-width: 1; }
        .curve { fill: none; stroke-width: 1.6; stroke-linejoin: round; stroke-linecap: round; }
        """
}
