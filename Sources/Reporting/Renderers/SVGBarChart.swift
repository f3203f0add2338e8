/// Horizontal bars as inline SVG, names on the left, numbers on the right, error bars over the ends.
struct SVGBarChart {
    private static let step = 20.0
    private static let thickness = 13.0
    private static let nameLimit = 24
    /// Room for the number behind the longest bar.
    private static let right = 58.0
    private static let top = 6.0

    private let chart: BarChart
    private let left: Double
    private let axis: AxisTicks

    init(_ chart: BarChart) {
        self.chart = chart
        let longest = chart.bars.map { min($0.name.count, Self.nameLimit) }.max() ?? 0
        left = 14 + SVGShapes.letter * Double(longest)
        var ends = chart.bars.flatMap { [$0.value, $0.interval?.lower, $0.interval?.upper].compactMap(\.self) }
        ends.removeAll { !$0.isFinite }
        axis = AxisTicks(low: min(ends.min() ?? 0, 0), high: max(ends.max() ?? 1, 0), target: 4)
    }

    private var bottom: Double { Self.top + Self.step * Double(chart.bars.count) }

    private func px(_ value: Double) -> Double {
        left + (value - axis.low) / (axis.high - axis.low) * (SVGShapes.width - Self.right - left)
    }

    var node: HTMLNode {
        var nodes: [HTMLNode] = []
        for value in axis.values {
            nodes.append(SVGShapes.line(px(value), Self.top, px(value), bottom, value == 0 ? "axis" : "grid"))
            nodes.append(SVGShapes.label(axis.label(value), px(value), bottom + 16, "middle"))
        }
        nodes.append(
            SVGShapes.label(chart.valueLabel, (left + SVGShapes.width - Self.right) / 2, bottom + 34, "middle"))
        for (index, bar) in chart.bars.enumerated() { nodes += row(index, bar) }
        return SVGShapes.chart(height: bottom + 42, label: "\(chart.title): \(chart.valueLabel)", nodes)
    }

    private func row(_ index: Int, _ bar: BarChart.Bar) -> [HTMLNode] {
        let middle = Self.top + Self.step * (Double(index) + 0.5)
        var nodes = [
            SVGShapes.label(SVGShapes.short(bar.name, Self.nameLimit), left - 8, middle + 4, "end", style: "key")
        ]
        guard let value = bar.value, value.isFinite else {
            return nodes + [SVGShapes.label("–", px(0) + 6, middle + 4)]
        }
        let (start, end) = (min(px(0), px(value)), max(px(0), px(value)))
        nodes.append(
            SVGShapes.rectangle(
                start, middle - Self.thickness / 2, end - start, Self.thickness, css: "fill:var(--c0)",
                tip: "\(bar.name): \(NumberText.fixed(value, digits: 4))"))
        var edge = end
        if let interval = bar.interval, interval.lower.isFinite, interval.upper.isFinite {
            let (low, high) = (px(interval.lower), px(interval.upper))
            let ink = "stroke:var(--ink);stroke-width:1.3"
            nodes.append(SVGShapes.line(low, middle, high, middle, "curve", css: ink))
            for x in [low, high] { nodes.append(SVGShapes.line(x, middle - 4, x, middle + 4, "curve", css: ink)) }
            edge = max(edge, high)
        }
        nodes.append(SVGShapes.label(NumberText.fixed(value, digits: 3), edge + 6, middle + 4))
        return nodes
    }
}
