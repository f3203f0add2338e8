/// Bars of how often predictions are right over their confidence, and below how many there are, as inline SVG.
struct SVGReliabilityDiagram {
    private static let left = 52.0
    private static let right = 14.0
    private static let top = 12.0
    private static let plotHeight = 250.0
    private static let countHeight = 56.0
    private let diagram: ReliabilityDiagram

    init(_ diagram: ReliabilityDiagram) { self.diagram = diagram }

    private var bottom: Double { Self.top + Self.plotHeight }
    private func px(_ value: Double) -> Double { Self.left + value * (SVGShapes.width - Self.left - Self.right) }
    private func py(_ value: Double) -> Double { bottom - value * Self.plotHeight }

    var node: HTMLNode {
        var nodes: [HTMLNode] = []
        for step in 0...5 {
            let value = Double(step) / 5
            nodes.append(SVGShapes.line(px(0), py(value), px(1), py(value), "grid"))
            nodes.append(SVGShapes.label(NumberText.fixed(value, digits: 1), px(0) - 6, py(value) + 4, "end"))
        }
        for bin in diagram.bins { nodes += bar(bin) }
        nodes.append(
            SVGShapes.line(px(0), py(0), px(1), py(1), "curve", css: "stroke:var(--ink);stroke-dasharray:5 4"))
        nodes.append(SVGShapes.line(px(0), py(0), px(1), py(0), "axis"))
        nodes.append(
            SVGShapes.label(diagram.valueLabel, 14, (Self.top + bottom) / 2, "middle", turned: -90))
        if let error = diagram.expectedError {
            nodes.append(
                SVGShapes.label("ECE \(NumberText.fixed(error, digits: 3))", px(0) + 8, Self.top + 14, style: "key"))
        }
        return SVGShapes.chart(
            height: bottom + Self.countHeight + 60, label: "\(diagram.title): \(diagram.valueLabel) over confidence",
            nodes + counts)
    }

    private func bar(_ bin: ReliabilityDiagram.Bin) -> [HTMLNode] {
        guard let accuracy = bin.accuracy, let confidence = bin.confidence else { return [] }
        let tip =
            "\(bin.count) predictions of mean confidence \(NumberText.fixed(confidence, digits: 3)): "
            + "\(diagram.valueLabel) \(NumberText.fixed(accuracy, digits: 3))"
        return [
            SVGShapes.rectangle(
                px(bin.lower) + 1, py(accuracy), px(bin.upper) - px(bin.lower) - 2, py(0) - py(accuracy),
                css: "fill:var(--c0);fill-opacity:.75", tip: tip),
            SVGShapes.circle(
                px(confidence), py(accuracy), 3.5, css: "fill:var(--c1);stroke:var(--page);stroke-width:1", tip: tip),
        ]
    }

    /// The shares of all predictions, bin by bin.
    private var counts: [HTMLNode] {
        let base = bottom + 14 + Self.countHeight
        let most = Double(max(diagram.bins.map(\.count).max() ?? 0, 1))
        var nodes: [HTMLNode] = []
        for bin in diagram.bins {
            let height = Double(bin.count) / most * Self.countHeight
            nodes.append(
                SVGShapes.rectangle(
                    px(bin.lower) + 1, base - height, px(bin.upper) - px(bin.lower) - 2, height,
                    css: "fill:var(--quiet);fill-opacity:.6", tip: "\(bin.count) predictions"))
        }
        nodes.append(SVGShapes.line(px(0), base, px(1), base, "axis"))
        for step in 0...5 {
            let value = Double(step) / 5
            nodes.append(SVGShapes.label(NumberText.fixed(value, digits: 1), px(value), base + 16, "middle"))
        }
        nodes.append(SVGShapes.label("confidence", px(0.5), base + 34, "middle"))
        nodes.append(SVGShapes.label("count", 14, base - Self.countHeight / 2, "middle", turned: -90))
        nodes.append(SVGShapes.label("\(Int(most))", px(0) - 6, base - Self.countHeight + 8, "end"))
        return nodes
    }
}
