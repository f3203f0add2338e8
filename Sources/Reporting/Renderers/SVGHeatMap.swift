/// A matrix of coloured cells as inline SVG. One hue from the page's colour to full: it reads without colour vision, in
/// light and dark.
struct SVGHeatMap {
    private static let nameLimit = 16
    private static let top = 8.0
    private let map: HeatMap
    private let left: Double
    private let head: Double
    private let side: Double
    /// Of the cells' letters: that at which the longest text fits. Texts that could not be read are left out.
    private let size: Double

    init(_ map: HeatMap) {
        self.map = map
        func room(_ names: [String]) -> Double {
            12 + SVGShapes.letter * Double(names.map { min($0.count, Self.nameLimit) }.max() ?? 0)
        }
        left = room(map.rows) + 18
        head = Self.top + room(map.columns) + 16
        side = min(40, (SVGShapes.width - left - 8) / Double(max(map.columns.count, 1)))
        let longest = map.cells.joined().map(\.text.count).max() ?? 0
        size = min(11, 1.6 * (side - 4) / Double(max(longest, 1)))
    }

    private var bottom: Double { head + side * Double(map.rows.count) }

    var node: HTMLNode {
        var nodes: [HTMLNode] = [
            SVGShapes.label(map.columnLabel, left + side * Double(map.columns.count) / 2, Self.top + 8, "middle"),
            SVGShapes.label(
                map.rowLabel, 12, (head + bottom) / 2, "middle", turned: -90),
        ]
        for (index, name) in map.columns.enumerated() {
            nodes.append(
                SVGShapes.label(
                    SVGShapes.short(name, Self.nameLimit), left + side * (Double(index) + 0.5) + 4, head - 6,
                    turned: -90, style: "key"))
        }
        for (index, name) in map.rows.enumerated() {
            nodes.append(
                SVGShapes.label(
                    SVGShapes.short(name, Self.nameLimit), left - 6, head + side * (Double(index) + 0.5) + 4, "end",
                    style: "key"))
            for (column, cell) in map.cells[index].enumerated() { nodes += drawn(cell, index, column) }
        }
        return SVGShapes.chart(
            height: bottom + 44, label: "\(map.title): \(map.rowLabel) by \(map.columnLabel)", nodes + scale)
    }

    private func share(_ value: Double) -> Double {
        let span = map.range.upperBound - map.range.lowerBound
        return span > 0 ? min(max((value - map.range.lowerBound) / span, 0), 1) : 0
    }

    private func drawn(_ cell: HeatMap.Cell, _ row: Int, _ column: Int) -> [HTMLNode] {
        let (x, y) = (left + side * Double(column), head + side * Double(row))
        let share = cell.value.flatMap { $0.isFinite ? self.share($0) : nil }
        let tip =
            "\(map.rows[row]), \(map.columns[column]): \(cell.text)"
            + (cell.value.map { ", \(map.valueLabel) \(NumberText.fixed($0, digits: 3))" } ?? "")
        var nodes = [
            SVGShapes.rectangle(
                x, y, side, side, css: Self.fill(share ?? 0) + ";stroke:var(--rule);stroke-width:.5", tip: tip)
        ]
        if !cell.text.isEmpty && size >= 6 {
            let colour = (share ?? 0) > 0.55 ? "var(--page)" : "var(--ink)"
            nodes.append(
                SVGShapes.label(
                    cell.text, x + side / 2, y + side / 2 + size * 0.36, "middle",
                    css: "fill:\(colour);font-size:\(SVGShapes.text(size))px"))
        }
        return nodes
    }

    private static func fill(_ share: Double) -> String {
        "fill:var(--c0);fill-opacity:\(NumberText.fixed(share, digits: 2))"
    }

    /// The colours beside their numbers.
    private var scale: [HTMLNode] {
        let (steps, width) = (6, 22.0)
        var nodes: [HTMLNode] = []
        let y = bottom + 12
        for step in 0..<steps {
            nodes.append(
                SVGShapes.rectangle(
                    left + width * Double(step), y, width, 10,
                    css: Self.fill(Double(step) / Double(steps - 1)) + ";stroke:var(--rule);stroke-width:.5"))
        }
        nodes.append(SVGShapes.label(NumberText.short(map.range.lowerBound), left, y + 24))
        nodes.append(
            SVGShapes.label(NumberText.short(map.range.upperBound), left + width * Double(steps), y + 24, "end"))
        nodes.append(SVGShapes.label(map.valueLabel, left + width * Double(steps) + 10, y + 9))
        return nodes
    }
}
