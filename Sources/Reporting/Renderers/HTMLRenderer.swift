import Foundation

/// One self-contained page: inline style, inline SVG, pictures as data URIs, nothing loaded from anywhere. A script of a few
/// lines sorts tables by a click; without it the page says the same.
///
/// Light and dark follow the reader's system. Every text is escaped, and right-to-left names stand apart from what is around.
public struct HTMLRenderer: ReportRenderer {
    public init() {}

    public func render(_ report: Report) -> String {
        let header: HTMLNode = .tag(
            "header", [:], [.words("h1", [:], report.title)] + report.introduction.map { .words("p", [:], $0) })
        let sections = report.sections.map { section in
            HTMLNode.tag("section", [:], [.words("h2", [:], section.heading)] + section.blocks.map(node))
        }
        let policy =
            "default-src 'none'; style-src 'unsafe-inline'; script-src \(HTMLScript.policy); img-src data:"
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
        let body: HTMLNode = .tag(
            "body", [:],
            [.tag("main", [:], [header] + sections), .tag("script", [:], [.trusted(HTMLScript.text)])])
        HTMLNode.tag("html", ["lang": "en"], [head, body]).write(to: &text)
        return text + "\n"
    }

    /// A drawing that keeps its size on a narrow screen and is moved sideways there.
    private func figure(_ drawing: HTMLNode, _ title: String) -> HTMLNode {
        .tag(
            "figure", [:],
            [.tag("div", ["class": "scroll", "tabindex": "0"], [drawing]), .words("figcaption", [:], title)])
    }

    private func node(_ block: ReportBlock) -> HTMLNode {
        switch block {
        case .paragraph(let text): .words("p", [:], text)
        case .warning(let text): .words("p", ["class": "warning"], text)
        case .verbatim(let text): .tag("pre", ["tabindex": "0"], HTMLText.nodes(text))
        case .table(let table): node(table)
        case .chart(let chart):
            figure(SVGLineChart(chart).node, chart.title)
        case .plot(let plot): figure(SVGRenderer.node(plot), plot.title)
        case .pictures(let grid): node(grid)
        }
    }

    /// A text cell longer than this breaks its lines, where it must inside words.
    private static let longText = 24

    private func node(_ table: ReportTable) -> HTMLNode {
        let marks = table.marks()
        func style(_ c: Int, _ text: String) -> String {
            (table.columns[c].alignment == .right ? "number" : "words") + (text.count > Self.longText ? " long" : "")
        }
        let header = table.columns.enumerated().map { c, column in
            let title = column.title + (column.direction.map { " \($0.arrow)" } ?? "")
            var attributes: [(StaticString, String)] = [("class", style(c, title)), ("scope", "col")]
            // What the first click does: the best number first.
            if column.direction == .higherIsBetter { attributes.append(("data-first", "descending")) }
            return HTMLNode.element("th", attributes, HTMLText.nodes(title))
        }
        let rows = table.rows.enumerated().map { r, row in
            HTMLNode.tag(
                "tr", [:],
                row.enumerated().map { c, cell in
                    var attributes: [(StaticString, String)] = [("class", style(c, cell.text))]
                    if let number = cell.number { attributes.append(("data-value", NumberText.exact(number))) }
                    let words = HTMLText.nodes(cell.text)
                    let content: [HTMLNode] =
                        switch marks[r][c] {
                        case .best: [.tag("strong", [:], words)]
                        case .second: [.tag("u", [:], words)]
                        case .none: words
                        }
                    return .element("td", attributes, content)
                })
        }
        let body: HTMLNode = .tag(
            "table", [:], [.tag("thead", [:], [.tag("tr", [:], header)]), .tag("tbody", [:], rows)])
        // Not an element of the table: it must not scroll with it, nor be as narrow.
        let caption: [HTMLNode] = table.caption.isEmpty ? [] : [.words("figcaption", [:], table.caption)]
        return .tag(
            "figure", ["class": "table"], caption + [.tag("div", ["class": "scroll", "tabindex": "0"], [body])])
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
                            "alt": picture.caption,
                        ]),
                    .words("figcaption", [:], picture.caption),
                ])
        }
        let title: [HTMLNode] = grid.caption.isEmpty ? [] : [.words("p", ["class": "caption"], grid.caption)]
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
