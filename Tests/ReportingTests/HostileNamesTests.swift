import Foundation
import JSONText
import Testing

@testable import Reporting

/// Names from data sets that want to be something else, through every format.
@Suite struct HostileNamesTests {
    private static let names = [
        "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "</td></table><h1>x", "\" onload=\"x", "&lt;b&gt;",
        "\\input{/etc/passwd}", "$\\loop\\iftrue\\repeat$", "\\end{tabular}\\end{document}", "%", "}{",
        "a & b \\\\ c_d^e~f#",
        "=HYPERLINK(\"http://x\",\"y\")", "+1+cmd|' /C calc'!A0", "-2+3", "@SUM(1)", "\t=1", "\r=1", "＝1+1",
        "\u{1B}[2J\u{1B}]0;title\u{7}", "\u{9B}31m", "a\u{0}b", "bell\u{7}", "x\u{8}\u{8}\u{8}y",
        "line\nbreak\r\nagain\u{2028}",
        "\u{202E}dnuorgkcab\u{202C}", "\u{2066}isolate", "\u{200F}mark", "\u{05D0}\u{05D1}\u{05D2} 12 of 79", "سماء",
        "\u{FEFF}bom",
        "|pipe| `code` **bold** [link](javascript:x) ![i](x) ~~s~~ __u__ # h", "- list", "1. list", "# heading",
        "@everyone",
        "<\u{338}b", "=\u{301}1", ",\u{301}\"\u{301}", "e" + String(repeating: "\u{301}", count: 500),
        String(repeating: "long ", count: 2000), String(repeating: "x", count: 10_000), "",
    ]

    private static var record: RunRecord {
        get throws {
            var draft = exampleDraft(arm: names[0])
            draft.task = "semseg." + names[18]
            draft.model = names[5]
            draft.dataset.name = names[24]
            draft.classTable = ClassTable(
                columns: ["IoU", names[11]], rows: names.map { .init(name: $0, values: [0.5, nil]) })
            draft.warnings = names.map { RunWarning(code: "hostile", message: $0) }
            draft.commandLine = ["dmt", "eval"] + names
            draft.settings = names.enumerated().map { .init(key: "k\($0).\($1)", value: $1, origin: $1) }
            return try RunRecord(draft)
        }
    }

    static var report: Report {
        get throws {
            var report = Report(run: try record)
            report.title = names.joined()
            let series = names.map { LineChart.Series(name: $0, points: [.init(0, 1), .init(1, 2)]) }
            report.sections.append(
                ReportSection(
                    heading: names[0] + names[5] + names[18],
                    blocks: names.flatMap { [.paragraph($0), .warning($0), .verbatim($0)] } + [
                        .chart(LineChart(title: names[0], xLabel: names[3], yLabel: names[18], series: series)),
                        .pictures(
                            PictureGrid(caption: names[1], pictures: names.map { .init(jpeg: [1], caption: $0) })),
                        .table(
                            ReportTable(
                                caption: names[7], columns: [.init(names[2]), .init(names[11], .right)],
                                rows: names.map { [.text($0), .number(1)] })),
                    ]))
            return report
        }
    }

    private func steers(_ text: String, besides allowed: String) -> [UInt32] {
        text.unicodeScalars.filter { VisibleText.steers($0) && !allowed.unicodeScalars.contains($0) }.map(\.value)
    }

    @Test func terminalsGetNoControlCharacter() throws {
        for style in [false, true] {
            var text = TerminalRenderer(usesStyle: style).render(try Self.report)
            if style { text = text.replacing("\u{1B}[1m", with: "").replacing("\u{1B}[0m", with: "") }
            #expect(steers(text, besides: "\n") == [])
            #expect(text.contains("[2J") && text.contains("(10000 characters)"))
        }
        for run in [[try Self.record], [try Self.record, try RunRecord(exampleDraft())]] {
            let report = Report(title: "", runs: run, names: run.map { _ in Self.names[18] })
            #expect(steers(TerminalRenderer().render(report), besides: "\n") == [])
        }
    }

    @Test func pagesGetTextAndNothingElse() throws {
        let page = HTMLRenderer().render(try Self.report)
        #expect(steers(page, besides: "\n\t") == [])
        #expect(page.components(separatedBy: "<script").count == 2 && page.components(separatedBy: "<h1").count == 2)
        // Tags are ours alone, and their attributes are closed.
        let known: Set = [
            "html", "head", "meta", "title", "style", "body", "main", "header", "h1", "h2", "p", "section", "figure",
            "figcaption",
            "div", "table", "thead", "tbody", "tr", "th", "td", "strong", "u", "bdi", "pre", "svg", "line", "path",
            "text", "img",
            "script",
        ]
        let start = try #require(page.range(of: "<body>"))
        let end = try #require(page.range(of: "<script>"))
        for match in page[start.lowerBound..<end.lowerBound].matches(of: /<\/?([^\s>]*)/) {
            #expect(known.contains(String(match.1)), "\(match.1)")
        }
        #expect(!page.contains("onerror=alert") || !page.contains("<img src=x"))
        #expect(page.contains("<bdi>\u{05D0}\u{05D1}\u{05D2}</bdi> 12 of 79"))
        #expect(page.contains(String(repeating: "x", count: 10_000)))
    }

    @Test func markdownStaysInItsBlocksAndUnderItsLimit() throws {
        let text = MarkdownRenderer().render(try Self.report)
        #expect(text.utf8.count < 65_536 && text.contains("(10000 characters)"))
        let whole = MarkdownRenderer(limit: .max).render(try Self.report)
        #expect(steers(whole, besides: "\n\t") == [])
        // Outside of fences there is no markup but ours.
        var isFenced = false
        for line in whole.split(separator: "\n", omittingEmptySubsequences: false) {
            if line.hasPrefix("```") {
                isFenced.toggle()
            } else if !isFenced {
                #expect(!line.unicodeScalars.contains("<"), "\(line.prefix(80))")
                #expect(!line.contains("@everyone"))
                #expect(!line.hasPrefix("# ") || line.hasPrefix("# &lt;script"), "\(line.prefix(80))")
                #expect(!line.hasPrefix("- ") && !line.hasPrefix("1. "))
            }
        }
        // A row has as many cells as its table has columns.
        var columns: Int?
        for line in whole.split(separator: "\n", omittingEmptySubsequences: false) {
            guard line.hasPrefix("|") else {
                columns = nil
                continue
            }
            let bars = line.replacing("\\\\", with: "").replacing("\\|", with: "").count { $0 == "|" }
            #expect(bars == columns ?? bars, "\(line.prefix(80))")
            columns = bars
        }
    }

    @Test func longReportsSayWhatIsMissing() {
        let table = ReportTable(
            columns: [.init("class"), .init("IoU", .right)],
            rows: (0..<5000).map { [.text("class \($0)"), .number(Double($0) / 5000)] })
        let report = Report(
            title: "Classes",
            sections: [
                ReportSection(heading: "Classes", blocks: [.table(table)]), ReportSection(heading: "End", blocks: []),
            ])
        let text = MarkdownRenderer().render(report)
        #expect(text.utf8.count < 65_536 && text.hasSuffix("## End\n"))
        #expect(text.contains("*4800 of 5000 rows are left out: the report is too long.*"))
        let many = Report(
            title: "Many",
            sections: (0..<4000).map { ReportSection(heading: "Part \($0)", blocks: [.paragraph("Some words on it.")]) }
        )
        let cut = MarkdownRenderer().render(many)
        #expect(cut.utf8.count < 65_536 && cut.contains(" of 8001 parts of this report are left out: it is too long.*"))
    }

    @Test func spreadsheetsFindNoFormula() throws {
        for text in [
            CSVRenderer().render(try Self.report), CSVRenderer().render([try Self.record]),
            CSVRenderer().render(try #require(try Self.record.fields.classTable)),
        ] {
            for field in CSVReading.rows(text).flatMap({ $0 }) where Double(field) == nil {
                let first = field.unicodeScalars.first ?? "x"
                #expect(!"=+-@\t\r\n＝".unicodeScalars.contains(first), "\(field.prefix(60))")
            }
        }
        // Numbers stay numbers.
        let table = ReportTable(columns: [.init("x")], rows: [[.number(-0.5)], [.text("-1e-3")], [.text("-1-1")]])
        #expect(CSVRenderer().render(table) == "x\r\n-0.5\r\n-1e-3\r\n'-1-1\r\n")
    }

    @Test func laTeXIsPrintableASCIIWithItsBracesClosed() throws {
        let text = LaTeXRenderer().render(try Self.report)
        #expect(text.unicodeScalars.allSatisfy { $0 == "\n" || (0x20..<0x7F).contains($0.value) })
        #expect(!text.contains("\\input") && !text.contains("\\loop") && !text.contains("\\end{document}"))
        var depth = 0
        let bare = text.replacing("\\{", with: "").replacing("\\}", with: "")
        for character in bare {
            depth += character == "{" ? 1 : character == "}" ? -1 : 0
            #expect(depth >= 0)
        }
        #expect(depth == 0)
        #expect(text.split(separator: "\n").allSatisfy { !$0.hasPrefix("%") || $0.hasPrefix("% In the preamble") })
    }

    @Test func documentsKeepEveryCharacter() throws {
        let json = try JSONValue.parse(JSONRenderer().render(try Self.report), file: "report.json")
        #expect(json["title"]?.string == Self.names.joined())
        let record = try Self.record
        #expect(try RunRecord(json: JSONValue.parse(record.json().text(), file: "run.json")) == record)
    }
}
