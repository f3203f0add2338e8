import Foundation
import JSONText
import Testing

@testable import Reporting

@Suite struct RendererTests {
    @Test func markdownSnapshot() {
        #expect(
            MarkdownRenderer().render(exampleReport()) == """
                # Quickstart &lt;1&gt;

                Drawn scenes &amp; small teachers.

                ## Results

                All arms, one recipe.

                > **Warning:** 25 of 79 images

                Students

                | arm | mIoU ↑ | loss ↓ |
                |:---|---:|---:|
                | scratch | 0.2500 | 1.5000 |
                | a\\|b &lt;i&gt;\\*x\\*&lt;/i&gt; | **0.412** | **0.5000** |
                | mean | – | **0.5000** |

                ## Curves and pictures

                Training loss (loss over step)

                | series | points | first | last |
                |:---|---:|---:|---:|
                | dmt | 3 | 2.0000 | 0.5000 |
                | a &amp; b | 3 | 1.5000 | 1.0000 |

                *Segmentation: 2 pictures in the HTML report.*

                ````text
                dmt report ``` <run>
                ````

                """)
    }

    @Test func terminalSnapshot() {
        let text = TerminalRenderer().render(exampleReport())
        #expect(
            text.contains(
                """
                Students
                arm             mIoU ↑    loss ↓
                ──────────────  ────────  ────────
                scratch         0.2500    1.5000
                a|b <i>*x*</i>   0.412 *  0.5000 *
                mean                 –    0.5000 *
                """))
        #expect(
            !text.contains("\u{1B}") && TerminalRenderer(usesStyle: true).render(exampleReport()).contains("\u{1B}[1m"))
        #expect(TerminalRenderer.printable("a\u{1B}[2Jb\u{9B}c\n") == "a\u{FFFD}[2Jb\u{FFFD}c\u{FFFD}")
    }

    @Test func csvSnapshot() throws {
        #expect(
            CSVRenderer().render(exampleReport())
                == "Results: Students\r\narm,mIoU,loss\r\nscratch,0.25,1.5\r\na|b <i>*x*</i>,0.41237,0.5\r\nmean,–,0.5\r\n"
        )
        let record = try RunRecord(exampleDraft())
        let lines = CSVRenderer().render([record]).split(separator: "\r\n")
        #expect(lines.count == 4)
        #expect(lines[1].contains(",mIoU,0.4123456789012345,fraction,0.0125,0.39,0.44,25,"))
        #expect(lines[3].hasSuffix(",APl,,fraction,,,,0,no large object"))
        #expect(
            CSVRenderer().render(record.fields.classTable!)
                == "class,IoU,pixels\r\n\"sky, \"\"blue\"\"\",0.5,1200\r\n'=cmd|x,,0\r\n")
    }

    @Test func jsonHoldsTextNumberAndBest() throws {
        let json = try JSONValue.parse(JSONRenderer().render(exampleReport()), file: "report.json")
        let blocks = try #require(json["sections"]?[0]?["blocks"])
        let cell = try #require(blocks[2]?["rows"]?[1]?[1])
        #expect(cell["text"]?.string == "0.412" && cell["number"]?.double == 0.41237 && cell["best"]?.bool == true)
        let curves = try #require(json["sections"]?[1]?["blocks"])
        #expect(curves[0]?["series"]?[1]?["y"]?[1]?.isNull == true)
        #expect(curves[1]?["pictures"]?[0]?["jpeg_bytes"]?.int == 3)
    }

    @Test func htmlIsOnePageThatLoadsNothing() {
        let page = HTMLRenderer().render(exampleReport())
        #expect(page.hasPrefix("<!DOCTYPE html>\n<html lang=\"en\">"))
        #expect(page.contains("<title>Quickstart &lt;1&gt;</title>"))
        #expect(page.contains("<td class=\"number\" data-value=\"0.41237\"><strong>0.412</strong></td>"))
        #expect(page.contains("<td class=\"words\">a|b &lt;i&gt;*x*&lt;/i&gt;</td>"))
        #expect(page.contains("src=\"data:image/jpeg;base64,/9j/\"") && page.contains("alt=\"&quot;truth&quot;\""))
        #expect(page.contains("<p class=\"warning\">25 of 79 images</p>"))
        #expect(page.contains("script-src &#39;sha256-") && page.components(separatedBy: "<script").count == 2)
        for forbidden in ["http://", "https://", "<i>", "@import", "url(", "onload"] {
            #expect(!page.contains(forbidden), "\(forbidden)")
        }
        // Every tag that opens closes, in order.
        var open: [String] = []
        let markup = page.replacing(/<script>[^<]*(?:<[^\/][^<]*)*<\/script>/, with: "<script></script>")
        #expect(markup.count < page.count)
        for match in markup.matches(of: /<(\/?)([a-z0-9]+)[^>]*>/) {
            let name = String(match.2)
            if ["meta", "img", "br"].contains(name) { continue }
            if match.1.isEmpty { open.append(name) } else { #expect(open.popLast() == name) }
        }
        #expect(open.isEmpty)
    }

    @Test func curvesBreakAtGapsAndStayInsideThePlot() throws {
        let page = HTMLRenderer().render(exampleReport())
        let paths = page.matches(of: /<path class="curve"[^>]* d="([^"]*)">/).map { String($0.1) }
        #expect(paths == ["M56 34L260 194L464 274", paths[1]])
        #expect(paths[1].filter { $0 == "M" }.count == 2 && !paths[1].contains("nan"))
    }

    @Test func ticksAreRoundAndCoverTheData() {
        for (low, high, first, step) in [
            (0.0, 1.0, 0.0, 0.2), (0.3, 2.2, 0.0, 0.5), (-7, 130, -50, 50), (5, 5, 4.4, 0.2),
        ] {
            let ticks = AxisTicks(low: low, high: high)
            #expect(abs(ticks.low - first) < 1e-9 && abs(ticks.step - step) < 1e-9, "\(low)...\(high): \(ticks)")
            #expect(ticks.low <= low + 1e-9 && high <= ticks.high + 1e-9)
        }
        #expect(AxisTicks(low: 0, high: 1).label(0.2) == "0.2" && AxisTicks(low: 0, high: 500).label(100) == "100")
    }

    @Test func longCurvesAreThinnedAndKeepTheirSpikes() {
        var points = (0..<10_000).map { LineChart.Series.Point(Double($0), 1) }
        points[4321].y = 50
        points[7000].y = .nan
        let thin = SVGLineChart.thinned(points)
        #expect(thin.count < 1000 && thin.contains { $0.y == 50 } && thin.contains { $0.y.isNaN })
        #expect(thin.first == points.first && thin.last == points.last)
    }

    @Test func bestNumbersNeedTwoAndShareTiesAndASecondNeedsThree() {
        var table = ReportTable(columns: [.init("x", direction: .lowerIsBetter)])
        func marks() -> [ReportTable.Mark] { table.marks().map { $0[0] } }
        table.add([.number(1)])
        #expect(marks() == [.none])
        table.add([.number(nil)])
        #expect(marks() == [.none, .none])
        table.add([.number(1)])
        #expect(marks() == [.best, .none, .best])
        table.add([.number(2)])
        // Two share the first place: the next is third.
        #expect(marks() == [.best, .none, .best, .none])
        table.add([.number(0.5)])
        #expect(marks() == [.second, .none, .second, .none, .best])
        table.ranks = false
        #expect(marks().allSatisfy { $0 == .none })
    }

    @Test func combiningMarksHideNoMarkup() {
        let report = Report(title: "<\u{301}script>\u{0}", introduction: ["a\r\n<\u{338}b"])
        #expect(HTMLRenderer().render(report).contains("<h1>&lt;\u{301}script&gt;\u{FFFD}</h1>"))
        #expect(!MarkdownRenderer().render(report).unicodeScalars.contains("<"))
    }

    @Test func runsOfOtherProtocolsStandApart() throws {
        let a = try RunRecord(exampleDraft())
        let b = try RunRecord(exampleDraft(arm: "scratch", miou: nil))
        var draft = exampleDraft(arm: "other")
        draft.protocolFingerprint = ProtocolFingerprint(["input size": "128", "image list": "first 25"])
        let report = Report(title: "Arms", runs: [a, try RunRecord(draft), b])
        #expect(report.sections.count == 2)
        guard case .table(let table) = report.sections[0].blocks[0] else {
            Issue.record("no table first")
            return
        }
        #expect(table.rows.map { $0[0].text } == ["dmt", "scratch"])
        #expect(table.rows.map { $0[4].text } == ["0.4123 ± 0.0125", "–"])
        guard case .warning(let text) = report.sections[1].blocks[0] else {
            Issue.record("no warning before numbers of another protocol")
            return
        }
        #expect(
            text.contains("input size 128 against 64") && text.contains("resize filter not stated against bilinear"))
    }

    @Test func oneRunReportHoldsEverythingToRepeatIt() throws {
        let text = MarkdownRenderer().render(Report(run: try RunRecord(exampleDraft())))
        for part in [
            "25 of 79 images", "mIoU ↑ | 0.4123 | 0.0125 | 0.3900 to 0.4400", "not computed", "no large object",
            "few_images", "| sky, \"blue\" | 0.5000 | 1200 |", "| =cmd\\|x | – | 0 |", "dmt eval segment --seed 7",
            "last epoch", "x86-64, avx2", "command line",
        ] {
            #expect(text.contains(part), "\(part)")
        }
    }
}
