import Foundation
import Testing

@testable import Reporting

/// Pages and documents given to programs that read them for a living, where these are installed.
@Suite struct ForeignReaderTests {
    private static func program(_ name: String) -> String? {
        ["/usr/bin/", "/usr/local/bin/"].map { $0 + name }.first { FileManager.default.isExecutableFile(atPath: $0) }
    }

    /// - Returns: what it printed, and its exit code.
    private func run(_ program: String, _ arguments: [String], in folder: URL) throws -> (code: Int32, text: String) {
        let (process, pipe) = (Process(), Pipe())
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = arguments
        process.currentDirectoryURL = folder
        process.standardOutput = pipe
        process.standardError = pipe
        process.standardInput = FileHandle.nullDevice
        try process.run()
        let text = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        return (process.terminationStatus, text)
    }

    private func withFolder(_ body: (URL) throws -> Void) throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("dmt-reader-" + UUID().uuidString)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try body(folder)
    }

    private static var reports: [Report] {
        get throws {
            let record = try RunRecord(exampleDraft())
            return [
                try HostileNamesTests.report, exampleReport(),
                Report(title: "t", runs: [record, try RunRecord(exampleDraft(arm: "b", seed: 1))]),
            ]
        }
    }

    @Test(.enabled(if: program("pdflatex") != nil, "skipped: no pdflatex"))
    func aStandardDocumentCompiles() throws {
        for (place, report) in try Self.reports.enumerated() {
            try withFolder { folder in
                let document = """
                    \\documentclass{article}
                    \\usepackage{booktabs}
                    \\begin{document}
                    \(LaTeXRenderer().render(report))
                    \\end{document}
                    """
                try Data(document.utf8).write(to: folder.appendingPathComponent("report.tex"))
                let outcome = try run(
                    #require(Self.program("pdflatex")), ["-interaction=nonstopmode", "-halt-on-error", "report.tex"],
                    in: folder)
                #expect(outcome.code == 0, "report \(place): \(outcome.text.suffix(1500))")
            }
        }
    }

    @Test(.enabled(if: program("tidy") != nil, "skipped: no tidy"))
    func pagesAreValid() throws {
        for (place, report) in try Self.reports.enumerated() {
            try withFolder { folder in
                try Data(HTMLRenderer().render(report).utf8).write(to: folder.appendingPathComponent("report.html"))
                let outcome = try run(
                    #require(Self.program("tidy")),
                    ["-errors", "-quiet", "--drop-empty-elements", "no", "report.html"],
                    in: folder)
                #expect(outcome.code == 0, "report \(place): \(outcome.text.prefix(1500))")
            }
        }
    }
}
