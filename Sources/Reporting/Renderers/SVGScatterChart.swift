/// Points as inline SVG; half transparent, so that many in one place show.
struct SVGScatterChart {
    private static let left = 56.0
    private static let right = 14.0
    private static let top = 10.0
    private static let plotHeight = 250.0
    /// Points that still have a name to point at.
    private static let tipLimit = 500
    private let chart: ScatterChart
    private let points: [ScatterChart.Point]
    private let x: AxisTicks
    private let y: AxisTicks

    init(_ chart: ScatterChart) {
        self.chart = chart
        points = chart.points.filter { $0.x.isFinite && $0.y.isFinite }
        x = AxisTicks(low: points.map(\.x).min() ?? 0, high: points.map(\.x).max() ?? 1, target: 6)
        y = AxisTicks(low: points.map(\.y).min() ?? 0, high: points.map(\.y).max() ?? 1)
    }

    /// Of points that stand on one place the first: thousands of pictures must not make a page of megabytes.
    private static func apart(
        _ points: [(point: ScatterChart.Point, x: Double, y: Double)]
    ) -> [(point: ScatterChart.Point, x: Double, y: Double)] {
        var taken: Set<[Int]> = []
        return points.filter { taken.insert([Int($0.x.rounded()), Int($0.y.rounded())]).inserted }
    }

    private var bottom: Double { Self.top + Self.plotHeight }
    private func px(_ value: Double) -> Double {
        Self.left + (value - x.low) / (x.high - x.low) * (SVGShapes.width - Self.left - Self.right)
    }
    private func py(_ value: Double) -> Double { bottom - (value - y.low) / (y.high - y.low) * Self.plotHeight }

    var node: HTMLNode {
        var nodes: [HTMLNode] = []
        for value in y.values {
            nodes.append(SVGShapes.line(Self.left, py(value), SVGShapes.width - Self.right, py(value), "grid"))
            nodes.append(SVGShapes.label(y.label(value), Self.left - 6, py(value) + 4, "end"))
        }
        for value in x.values {
            nodes.append(SVGShapes.line(px(value), bottom, px(value), bottom + 5, "axis"))
            nodes.append(SVGShapes.label(x.label(value), px(value), bottom + 18, "middle"))
        }
        nodes.append(SVGShapes.line(Self.left, bottom, SVGShapes.width - Self.right, bottom, "axis"))
        nodes.append(
            SVGShapes.label(chart.xLabel, (Self.left + SVGShapes.width - Self.right) / 2, bottom + 36, "middle"))
        nodes.append(SVGShapes.label(chart.yLabel, 14, (Self.top + bottom) / 2, "middle", turned: -90))
        let shown = Self.apart(points.map { ($0, px($0.x), py($0.y)) })
        let style = "fill:var(--c0);fill-opacity:.55"
        for (point, x, y) in shown {
            let tip = "\(point.name): \(NumberText.short(point.x)), \(NumberText.short(point.y))"
            nodes.append(SVGShapes.circle(x, y, 3.5, css: style, tip: shown.count <= Self.tipLimit ? tip : nil))
        }
        return SVGShapes.chart(
            height: bottom + 44, label: "\(chart.title): \(chart.yLabel) over \(chart.xLabel)", nodes)
    }
}
