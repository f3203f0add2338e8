/// Squares of colour with their names, row by row, as inline SVG.
struct SVGColourKey {
    private static let nameLimit = 30
    private static let rowHeight = 20.0
    private let key: ColourKey

    init(_ key: ColourKey) { self.key = key }

    var node: HTMLNode {
        var nodes: [HTMLNode] = []
        var (x, y) = (2.0, 4.0)
        for entry in key.entries {
            let name = SVGShapes.short(entry.name, Self.nameLimit)
            let needed = 34 + SVGShapes.letter * Double(name.count)
            if x > 2 && x + needed > SVGShapes.width {
                x = 2
                y += Self.rowHeight
            }
            nodes.append(
                SVGShapes.rectangle(
                    x, y, 13, 13, css: "fill:\(entry.code);stroke:var(--rule);stroke-width:1", tip: entry.name))
            nodes.append(SVGShapes.label(name, x + 19, y + 11, style: "key"))
            x += needed
        }
        return SVGShapes.chart(height: y + Self.rowHeight, label: key.title, nodes)
    }
}
