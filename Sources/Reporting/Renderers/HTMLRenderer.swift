import Foundation

/// One self-contained page: inline style, inline SVG, pictures as data URIs, no script, nothing loaded from anywhere.
///
/// Light and dark follow the reader's system. Every text is escaped.
public struct HTMLRenderer: ReportRenderer {
    public init() {}

    public func render(_ report: Report) -> String {
        let header: HTMLNode = .tag(
            "header", [:], [.tag("h1", text: report.title)] + report.introduction.map { .tag("p", text: $0) })
        let sections = report.sections.map { section in
            HTMLNode.tag("section", [:], [.tag("h2", text: section.heading)] + section.blocks.map(node))
        }
        let policy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
        let head: HTMLNode = .tag(
            "head", [:],
            [
                .tag("meta", ["charset": "utf-8"]),
                .tag("meta", ["name": "viewport", "content": "width=device-width, initial-scale=1"]),
                .tag("meta", ["http-equiv": "Content-Security-Policy", "content": policy]),
                .tag("title", text: report.title),
                .tag("style", [:], [.trusted(HTMLStyle.sheet)]),
            ])
        var text = "<!DOCTYPE html>\n"
        HTMLNode.tag("html", ["lang": "en"], [head, .tag("body", [:], [.tag("main", [:], [header] + sections)])])
            .write(to: &text)
        return text + "\n"
    }

    private func node(_ block: ReportBlock) -> HTMLNode {
        switch block {
        case .paragraph(let text): .tag("p", text: text)
        case .warning(let text): .tag("p", ["class": "warning"], text: text)
        case .verbatim(let text): .tag("pre", text: text)
        case .table(let table): node(table)
        case .chart(let chart):
            .tag("figure", [:], [SVGLineChart(chart).node, .tag("figcaption", text: chart.title)])
        case .plot(let plot):
            .tag("figure", [:], [SVGRenderer.node(plot), .tag("figcaption", text: plot.title)])
        case .pictures(let grid): node(grid)
        }
    }

    private func node(_ table: ReportTable) -> HTMLNode {
        let best = table.bestCells()
        func style(_ c: Int) -> String { table.columns[c].alignment == .right ? "number" : "words" }
        let header = table.columns.enumerated().map { c, column in
            HTMLNode.tag(
                "th", ["class": style(c), "scope": "col"],
                text: column.title + (column.direction.map { " \($0.arrow)" } ?? ""))
        }
        let rows = table.rows.enumerated().map { r, row in
            HTMLNode.tag(
                "tr", [:],
                row.enumerated().map { c, cell in
                    .tag(
                        "td", ["class": style(c)],
                        [best[r][c] ? .tag("strong", text: cell.text) : .text(cell.text)])
                })
        }
        var children: [HTMLNode] = table.caption.isEmpty ? [] : [.tag("caption", text: table.caption)]
        children.append(.tag("thead", [:], [.tag("tr", [:], header)]))
        children.append(.tag("tbody", [:], rows))
        return .tag("div", ["class": "scroll"], [.tag("table", [:], children)])
    }

    private func node(_ grid: PictureGrid) -> HTMLNode {
        let pictures = grid.pictures.map { picture in
            HTMLNode.tag(
                "figure", [:],
                [
                    .tag(
                        "img",
                        [
                            "src": "data:image/jpeg;base64," + Data(picture.jpeg).base64EncodedString(),
                            "alt": picture.caption, "loading": "lazy",
                        ]),
                    .tag("figcaption", text: picture.caption),
                ])
        }
        let title: [HTMLNode] = grid.caption.isEmpty ? [] : [.tag("p", ["class": "caption"], text: grid.caption)]
        return .tag(
            "div", [:],
            title + [
                .tag(
                    "div",
                    ["class": "pictures", "style": "--columns:\(grid.columnCount);--narrow:\(grid.narrowColumnCount)"],
                    pictures)
            ])
    }
}
