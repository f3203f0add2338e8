import Foundation

/// A line chart as inline SVG with axes, grid, round ticks and a key; colours come from the page's style.
struct SVGLineChart {
    private static let width = 480.0
    private static let plotHeight = 240.0
    private static let left = 56.0
    private static let right = 16.0
    private static let colourCount = 7
    /// Longer curves are thinned to about this many points per curve: the page stays small, the picture the same.
    private static let pointLimit = 400

    private let chart: LineChart
    private let x: AxisTicks
    private let y: AxisTicks
    private let top: Double

    init(_ chart: LineChart) {
        self.chart = chart
        let points = chart.series.flatMap(\.points).filter { $0.x.isFinite && $0.y.isFinite }
        x = AxisTicks(low: points.map(\.x).min() ?? 0, high: points.map(\.x).max() ?? 1, target: 6)
        y = AxisTicks(low: points.map(\.y).min() ?? 0, high: points.map(\.y).max() ?? 1)
        top = 14 + 20 * Double(Self.keyRows(chart).count)
    }

    private var bottom: Double { top + Self.plotHeight }
    private func px(_ value: Double) -> Double {
        Self.left + (value - x.low) / (x.high - x.low) * (Self.width - Self.left - Self.right)
    }
    private func py(_ value: Double) -> Double { bottom - (value - y.low) / (y.high - y.low) * Self.plotHeight }

    var node: HTMLNode {
        let height = bottom + 44
        return .tag(
            "svg",
            [
                "viewBox": "0 0 \(Self.text(Self.width)) \(Self.text(height))", "role": "img",
                "aria-label": VisibleText.shortened("\(chart.title): \(chart.yLabel) over \(chart.xLabel)"),
            ], grid + key + chart.series.enumerated().map(curve))
    }

    private var grid: [HTMLNode] {
        var nodes: [HTMLNode] = []
        for value in y.values {
            nodes.append(line(Self.left, py(value), Self.width - Self.right, py(value), "grid"))
            nodes.append(label(y.label(value), Self.left - 8, py(value) + 4, "end"))
        }
        for value in x.values {
            nodes.append(line(px(value), bottom, px(value), bottom + 5, "axis"))
            nodes.append(label(x.label(value), px(value), bottom + 19, "middle"))
        }
        nodes.append(line(Self.left, bottom, Self.width - Self.right, bottom, "axis"))
        nodes.append(label(chart.xLabel, (Self.left + Self.width - Self.right) / 2, bottom + 38, "middle"))
        let centre = Self.text((top + bottom) / 2)
        nodes.append(
            .tag(
                "text",
                ["x": "14", "y": centre, "text-anchor": "middle", "transform": "rotate(-90 14 \(centre))"],
                text: chart.yLabel))
        return nodes
    }

    private static func keyName(_ series: LineChart.Series) -> String { VisibleText.shortened(series.name, to: 48) }

    /// Rows of (series index, left edge), filled from the left; widths are estimated at 7 units a letter.
    private static func keyRows(_ chart: LineChart) -> [[(index: Int, x: Double)]] {
        var rows: [[(index: Int, x: Double)]] = []
        var x = left
        for (index, series) in chart.series.enumerated() {
            let needed = 44 + 7 * Double(keyName(series).count)
            if rows.isEmpty || x + needed > width - right {
                rows.append([])
                x = left
            }
            rows[rows.count - 1].append((index, x))
            x += needed
        }
        return rows
    }

    private var key: [HTMLNode] {
        Self.keyRows(chart).enumerated().flatMap { row, entries in
            entries.flatMap { entry -> [HTMLNode] in
                let y = 14 + 20 * Double(row)
                let name = Self.keyName(chart.series[entry.index])
                return [
                    .tag(
                        "line",
                        [
                            "x1": Self.text(entry.x), "y1": Self.text(y - 4), "x2": Self.text(entry.x + 18),
                            "y2": Self.text(y - 4), "class": "curve", "style": Self.stroke(entry.index),
                        ]),
                    .tag(
                        "text", ["x": Self.text(entry.x + 24), "y": Self.text(y), "class": "key"], text: name),
                ]
            }
        }
    }

    private func curve(_ index: Int, _ series: LineChart.Series) -> HTMLNode {
        var path = ""
        var pen = false
        for point in Self.thinned(series.points) {
            guard point.x.isFinite, point.y.isFinite else {
                pen = false
                continue
            }
            path += (pen ? "L" : "M") + "\(Self.text(px(point.x))) \(Self.text(py(point.y)))"
            pen = true
        }
        return .tag("path", ["class": "curve", "style": Self.stroke(index), "d": path])
    }

    /// In each bucket of neighbours the lowest and the highest point stay, in their order, and the first point that is
    /// not finite: spikes and breaks survive.
    static func thinned(_ points: [LineChart.Series.Point]) -> [LineChart.Series.Point] {
        guard points.count > pointLimit else { return points }
        let bucket = (2 * points.count + pointLimit - 1) / pointLimit
        var kept: Set<Int> = [0, points.count - 1]
        for start in stride(from: 0, to: points.count, by: bucket) {
            let range = start..<min(start + bucket, points.count)
            if let low = range.filter({ points[$0].y.isFinite }).min(by: { points[$0].y < points[$1].y }) {
                kept.insert(low)
            }
            if let high = range.filter({ points[$0].y.isFinite }).max(by: { points[$0].y < points[$1].y }) {
                kept.insert(high)
            }
            if let gap = range.first(where: { !points[$0].y.isFinite }) { kept.insert(gap) }
        }
        return kept.sorted().map { points[$0] }
    }

    /// Colours repeat after seven curves with another dash.
    private static func stroke(_ index: Int) -> String {
        let dash = index / colourCount
        return "stroke:var(--c\(index % colourCount))" + (dash == 0 ? "" : ";stroke-dasharray:\(2 + 4 * dash) 4")
    }

    private func line(_ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double, _ style: String) -> HTMLNode {
        .tag(
            "line",
            ["x1": Self.text(x1), "y1": Self.text(y1), "x2": Self.text(x2), "y2": Self.text(y2), "class": style])
    }

    private func label(_ text: String, _ x: Double, _ y: Double, _ anchor: String) -> HTMLNode {
        .tag("text", ["x": Self.text(x), "y": Self.text(y), "text-anchor": anchor], text: text)
    }

    private static func text(_ value: Double) -> String {
        let text = NumberText.fixed(value, digits: 1)
        return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
    }
}
