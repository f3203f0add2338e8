import Foundation
import JSONText
import SafeFiles
import Testing

@testable import EvaluationHarness

/// Readers over files that are damaged, lie or ask for too much: each ends in its exit code and a message that names it.
///
/// `make corpus` gives the same files to the built program, and watches its memory.
@Suite struct MalformedFilesTests {
    @Test func theCollectionIsLargeAndItsNamesDiffer() throws {
        let files = try BadFile.all()
        #expect(files.count(where: \.isSure) >= 300)
        #expect(Set(files.map(\.name)).count == files.count)
        #expect(Set(files.map(\.reader)) == Set(BadFile.Reader.allCases))
        #expect(try BadFile.all().map(\.bytes) == files.map(\.bytes))
    }

    @Test func everyFileIsRefused() throws {
        try withCorpus { stage, files in
            for file in files {
                try stage.place(file)
                do {
                    try stage.read(file)
                    if file.isSure { Issue.record("\(file.name): was read") }
                } catch {
                    let report = FailureReport(error)
                    #expect(report.exitCode == file.code, "\(file.name): \(report.text)")
                    #expect(report.text.contains(file.name), "\(file.name) is not named: \(report.text)")
                    #expect(report.text.utf8.count < 2000, "\(file.name): \(report.text.utf8.count) bytes of message")
                }
            }
        }
    }

    /// A fresh folder; that of `DMT_CORPUS` where it is set, which keeps the files and gains a list of them.
    private func withCorpus(_ body: (BadFileStage, [BadFile]) throws -> Void) throws {
        let kept = ProcessInfo.processInfo.environment["DMT_CORPUS"]
        let root = kept ?? NSTemporaryDirectory() + "dmt-corpus-" + UUID().uuidString
        defer { if kept == nil { try? FileManager.default.removeItem(atPath: root) } }
        let (stage, files) = (try BadFileStage(root: root), try BadFile.all())
        try body(stage, files)
        if kept == nil { return }
        let list = files.map { file in
            JSONValue.object([
                ("name", .string(file.name)), ("reader", .string(file.reader.rawValue)),
                ("code", .int(Int64(file.code))),
                ("sure", .bool(file.isSure && file.isListed)), ("bytes", .int(Int64(file.bytes.count))),
                ("arguments", .array(stage.arguments(file).map { .string($0) })),
            ])
        }
        try AtomicFile.write(JSONValue.array(list).text(pretty: true), to: "\(root)/corpus.json")
    }
}
