import Foundation
import FoundationXML
import Testing

@testable import Reporting

@Suite struct ChartTests {
    private static let hostile = "<script>alert('x')</script> & \"q\" \u{1}\u{202E}اسم"

    /// One plot of each kind, with a hostile name in it.
    private static let plots: [Plot] = [
        .bars(
            BarChart(
                title: "IoU \(hostile)", valueLabel: "IoU",
                bars: [
                    .init(name: "sky", value: 0.75, interval: Interval(lower: 0.5, upper: 0.875, level: 0.95)),
                    .init(name: hostile, value: -0.25), .init(name: "absent", value: nil),
                ])),
        .heatMap(
            HeatMap(
                title: "Confusion", rowLabel: "truth", columnLabel: "prediction", valueLabel: "share",
                rows: ["a", hostile],
                columns: ["a", "b"],
                cells: [
                    [.init(value: 0.9, text: "9"), .init(value: 0.1, text: "1")],
                    [.init(value: nil, text: ""), .init(value: 1, text: "123456789")],
                ])),
        .reliability(
            ReliabilityDiagram(
                title: "Calibration", valueLabel: "precision",
                bins: [
                    .init(lower: 0, upper: 0.5, count: 3, confidence: 0.25, accuracy: 0.5),
                    .init(lower: 0.5, upper: 1, count: 0, confidence: nil, accuracy: nil),
                ], expectedError: 0.25)),
        .scatter(
            ScatterChart(
                title: "F1", xLabel: "objects", yLabel: "F1",
                points: [.init(name: hostile, x: 1, y: 0.5), .init(name: "nan", x: .nan, y: 1)])),
        .key(ColourKey(title: "Classes", entries: [.init(name: hostile, red: 1, green: 171, blue: 255)])),
    ]

    /// Tags with their attributes, and all text, of an XML document.
    private final class Reading: NSObject, XMLParserDelegate {
        var elements: [(name: String, attributes: [String: String])] = []
        var text = ""

        func parser(
            _ parser: XMLParser, didStartElement name: String, namespaceURI: String?, qualifiedName: String?,
            attributes: [String: String]
        ) { elements.append((name, attributes)) }
        func parser(_ parser: XMLParser, foundCharacters string: String) { text += string }

        init(_ document: String) throws {
            super.init()
            let parser = XMLParser(data: Data(document.utf8))
            parser.delegate = self
            let isWhole = parser.parse()
            try #require(isWhole, "no XML: \(parser.parserError.map { "\($0)" } ?? "")")
        }

        func styles(_ name: String) -> [String] {
            elements.filter { $0.name == name }.compactMap { $0.attributes["style"] }
        }
    }

    @Test(arguments: plots.indices)
    func filesAreXMLWithColoursOfTheirOwn(_ index: Int) throws {
        let document = SVGRenderer().render(Self.plots[index])
        let reading = try Reading(document)
        #expect(reading.elements.first?.name == "svg" && !reading.elements.contains { $0.name == "script" })
        #expect(reading.elements[0].attributes["xmlns"] == "http://www.w3.org/2000/svg")
        for element in reading.elements {
            for (key, value) in element.attributes where key != "style" && key != "aria-label" {
                #expect(!value.contains("nan") && !value.contains("inf"), "\(element.name) \(key)=\(value)")
            }
            #expect(element.attributes["style"]?.contains("var(") != true)
        }
        #expect(document == SVGRenderer().render(Self.plots[index]))
    }

    @Test func aLineChartIsAFileToo() throws {
        let chart = LineChart(
            title: "PR", xLabel: "recall", yLabel: "precision",
            series: [.init(name: "var(--c0)", points: [.init(0, 1), .init(0.5, .nan), .init(1, 0.25)])])
        let reading = try Reading(SVGRenderer().render(chart))
        // A name that looks like a colour stays a name.
        #expect(reading.text.contains("var(--c0)"))
        #expect(reading.styles("path").allSatisfy { $0.contains("#0072b2") })
    }

    @Test func coloursOfFilesAreThoseOfTheLightPage() {
        let sheet = HTMLStyle.sheet.description
        for (name, colour) in SVGRenderer.colours { #expect(sheet.contains("--\(name): \(colour);"), "\(name)") }
    }

    @Test func barsReachTheirValuesAndUndefinedOnesHaveNone() throws {
        let reading = try Reading(SVGRenderer().render(Self.plots[0]))
        let bars = reading.elements.filter { $0.name == "rect" && $0.attributes["style"]!.contains("#0072b2") }
        #expect(bars.count == 2)
        let widths = bars.map { Double($0.attributes["width"]!)! }
        #expect(abs(widths[0] - 3 * widths[1]) < 0.2, "0.75 is three times as long as -0.25: \(widths)")
        // The error bar spans its interval: (0.875 - 0.5) / 0.75 of the bar.
        let error = try #require(
            reading.elements.first { $0.attributes["class"] == "curve" && $0.attributes["y1"] == $0.attributes["y2"] })
        let span = Double(error.attributes["x2"]!)! - Double(error.attributes["x1"]!)!
        #expect(abs(span - widths[0] / 2) < 0.2)
        #expect(reading.text.contains("–") && reading.text.contains("0.750"))
    }

    @Test func cellsAreAsFullAsTheirShare() throws {
        let reading = try Reading(SVGRenderer().render(Self.plots[1]))
        let fills = reading.styles("rect").filter { $0.contains("fill-opacity") }.prefix(4)
        #expect(fills.map { $0.contains("fill-opacity:0.90") } == [true, false, false, false])
        #expect(fills.map { $0.contains("fill-opacity:0.00") } == [false, false, true, false])
        #expect(fills.map { $0.contains("fill-opacity:1.00") } == [false, false, false, true])
    }

    @Test func everyFormatShowsPlots() throws {
        let report = Report(
            title: "r", sections: [ReportSection(heading: "Plots", blocks: Self.plots.map { .plot($0) })])
        let html = HTMLRenderer().render(report)
        #expect(html.components(separatedBy: "<svg").count == Self.plots.count + 1)
        #expect(!html.contains("<script>alert") && html.contains("&lt;script&gt;"))
        let markdown = MarkdownRenderer().render(report)
        #expect(markdown.contains("0.7500") && !markdown.contains("<script>"))
        #expect(TerminalRenderer().render(report).contains("ECE 0.2500"))
        #expect(JSONRenderer().render(report).contains("\"heat_map\""))
    }

    @Test func largeTablesBecomeALine() {
        let bars = (0..<26).map { BarChart.Bar(name: "\($0)", value: 1) }
        let chart = BarChart(title: "many", valueLabel: "v", bars: bars)
        guard case .paragraph(let text) = Plot.bars(chart).textForm else {
            Issue.record("a table of 26 rows")
            return
        }
        #expect(text.contains("26 rows"))
        if case .table(let table) = Plot.bars(BarChart(title: "few", valueLabel: "v", bars: Array(bars.prefix(25))))
            .textForm
        {
            #expect(table.rows.count == 25)
        } else {
            Issue.record("no table of 25 rows")
        }
    }
}
