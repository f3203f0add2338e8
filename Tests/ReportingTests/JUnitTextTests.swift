import Foundation
import Testing

@testable import Reporting

@Suite struct JUnitTextTests {
    private let suite = JUnitSuite(
        name: "gate <1>",
        cases: [
            .init(name: "mIoU", className: "gate.a", outcome: .passed, seconds: 0.25),
            .init(
                name: "AP\u{1}\u{7}\"&'", className: "gate.a",
                outcome: .failed(message: "a\nb", text: "old 1\nnew ]]> <x>\u{FFFE}")),
            .init(
                name: "\u{202E}class", className: "gate.b", outcome: .skipped(message: "not compared"), output: "note"),
        ])

    @Test func countsAndEscapes() {
        let text = JUnitText.text([suite])
        #expect(text.hasPrefix("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites tests=\"3\" failures=\"1\""))
        #expect(
            text.contains(
                "<testsuite name=\"gate &lt;1&gt;\" tests=\"3\" failures=\"1\" errors=\"0\" skipped=\"1\" time=\"0.250\">"
            ))
        #expect(text.contains("<testcase name=\"mIoU\" classname=\"gate.a\" time=\"0.250\"/>"))
        #expect(text.contains("name=\"AP\u{FFFD}\u{FFFD}&quot;&amp;&apos;\""))
        #expect(text.contains("message=\"a&#10;b\"") && text.contains("]]&gt; &lt;x&gt;\u{FFFD}"))
        #expect(text.contains("<skipped message=\"not compared\"/>") && text.contains("<system-out>note</system-out>"))
    }

    @Test func unpairedDifferences() throws {
        func metric(_ value: Double?, _ error: Double?) -> MetricValue {
            var metric = MetricValue(
                name: "m", value: value, unit: .fraction, direction: .higherIsBetter, sampleCount: 9)
            metric.standardError = error
            return metric
        }
        let found = try #require(UnpairedDifference(metric(0.5, 0.03), metric(0.4, 0.04)))
        #expect(abs(found.standardError - 0.05) < 1e-15 && abs(found.difference - 0.1) < 1e-15)
        #expect(abs(found.interval.lower - (0.1 - 1.959963984540054 * 0.05)) < 1e-12)
        // R: 2 * pnorm(-2)
        #expect(abs(found.pValue - 0.04550026389635842) < 1e-12)
        #expect(UnpairedDifference(metric(0.5, nil), metric(0.4, 0.1)) == nil)
        #expect(UnpairedDifference(metric(1, 0), metric(1, 0)) == nil)
        #expect(UnpairedDifference(metric(nil, 0.1), metric(0.4, 0.1)) == nil)
    }
}
