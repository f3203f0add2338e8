import Foundation
import JSONText
import Reporting
import SafeFiles

/// What `dmt runs show` prints: a run's summary and its files.
public struct RunDescription: Sendable {
    private let run: ListedRun
    private let files: [(name: String, bytes: Int)]

    /// - Parameter folder: of a run; a link to one is followed.
    /// - Throws: `.missing`, `.malformed` where it is no run folder.
    public init(_ folder: String) throws(DataError) {
        let path = Folder.withoutSlash(folder)
        guard try RunCatalogue.isRun(path) else { throw RunRemoval.noRun(path) }
        run = try ListedRun(path: path)
        files = Self.files(of: path, below: "").sorted { $0.name < $1.name }
    }

    private static func files(of root: String, below: String) -> [(name: String, bytes: Int)] {
        let folder = below.isEmpty ? root : "\(root)/\(below)"
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        return names.flatMap { name -> [(name: String, bytes: Int)] in
            let relative = below.isEmpty ? name : "\(below)/\(name)"
            if RunCatalogue.isRealFolder("\(root)/\(relative)") { return files(of: root, below: relative) }
            var state = stat()
            return lstat("\(root)/\(relative)", &state) == 0 ? [(relative, Int(state.st_size))] : []
        }
    }

    public var json: JSONValue {
        .object([
            ("schema_version", .int(1)), ("path", .string(run.path)), ("status", .string(run.state.rawValue)),
            ("date", .string(UTCTime.text(run.date))), ("bytes", .int(Int64(run.byteCount))),
            ("record", run.record?.json() ?? .null), ("problem", run.problem.map { .string($0) } ?? .null),
            (
                "files",
                .array(files.map { .object([("name", .string($0.name)), ("bytes", .int(Int64($0.bytes)))]) })
            ),
        ])
    }

    public var text: String {
        var report = Report(
            title: run.path,
            introduction: [
                "\(run.state.rawValue), \(run.task.isEmpty ? "no task known" : run.task), \(UTCTime.text(run.date)), "
                    + ByteText.of(run.byteCount)
            ])
        if let problem = run.problem {
            report.sections.append(ReportSection(heading: "Record", blocks: [.warning(problem)]))
        }
        if let f = run.record?.fields {
            report.sections.append(
                ReportSection(
                    heading: "Results",
                    blocks: [
                        .paragraph(
                            "\(f.arm): \(f.model), \(f.dataset.coverage) of \(f.dataset.name) \(f.dataset.split), seed "
                                + "\(f.seed), protocol \(f.protocolFingerprint.shortHash)"),
                        .table(Report.metricTable(f.metrics)), .verbatim(f.commandLine.joined(separator: " ")),
                    ]))
        }
        report.sections.append(
            ReportSection(
                heading: "Files",
                blocks: [
                    .table(
                        ReportTable(
                            columns: [.init("file"), .init("size", .right)],
                            rows: files.map { [.text($0.name), .text(ByteText.of($0.bytes))] }))
                ]))
        return TerminalRenderer().render(report)
    }
}
