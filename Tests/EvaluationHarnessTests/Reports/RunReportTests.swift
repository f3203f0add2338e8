import JSONText
import Reporting
import SafeFiles
import Testing

@testable import EvaluationHarness

struct RunReportTests {
    @Test func aRunAFileAndAFolderOfRunsAreAllTaken() throws {
        try withTemporaryFolder { folder in
            for seed in 0..<3 {
                try RecordFixture(seed: UInt64(seed), metrics: [("mIoU", 0.4 + 0.1 * Double(seed))]).write(
                    to: folder + "/s\(seed)")
            }
            let one = try RunReport([folder + "/s0"])
            #expect(try RunReport([folder + "/s0/run.json"]).text(.markdown) == one.text(.markdown))
            #expect(one.text(.terminal).contains("How to repeat"))
            let several = try RunReport([folder])
            #expect(several.text(.markdown).contains("0.5000 ± 0.1000"))
            #expect(
                try RunReport([folder + "/", folder + "/s1", folder + "/s2/run.json"]).json["runs"]?.array?.count == 3)
            #expect(several.text(.csv).split(separator: "\r\n").count == 4)
            for format in ReportFormat.allCases { #expect(several.text(format).contains("mIoU"), "\(format)") }
            let document = try JSONValue.parse(several.text(.json), file: "report")
            #expect(document["runs"]?.array?.count == 3 && document["schema_version"]?.int == 1)
        }
    }

    @Test func whatIsNoFinishedEvaluationIsNamed() throws {
        try withTemporaryFolder { folder in
            try RecordFixture.writeRun(to: folder + "/train", status: "interrupted", command: "dmt train\n")
            let training = try #require(throws: DataError.self) { try RunReport([folder + "/train"]) }
            #expect(training.kind == .missing && training.found.contains("interrupted"))
            let empty = try #require(throws: DataError.self) { try RunReport([folder]) }
            #expect(empty.kind == .missing && empty.remedy.contains("dmt runs list"))
            let absent = try #require(throws: DataError.self) { try RunReport([folder + "/absent"]) }
            #expect(absent.kind == .missing)
            try write("{\"schema_version\": 1}", to: folder + "/run.json")
            let broken = try #require(throws: DataError.self) { try RunReport([folder + "/run.json"]) }
            #expect(broken.kind == .malformed)
        }
    }

    @Test func endingsTellTheForm() {
        #expect(ReportFormat(ofFile: "a/b.tex") == .latex && ReportFormat(ofFile: "x.HTML") == .html)
        #expect(ReportFormat(ofFile: "x") == nil && ReportFormat(ofFile: "x.pdf") == nil)
    }
}
