import Foundation
import Reporting
import SafeFiles

/// The files of a gate's baseline: record and evidence beside the rules.
enum GateBaseline {
    /// The baseline that rules name.
    ///
    /// - Throws: `.missing` where it was never made.
    static func load(_ rules: GateRules) throws(DataError) -> FinishedRun {
        guard FileBytes.exists(rules.recordPath) else {
            throw DataError(
                .missing, file: rules.recordPath, expected: "the baseline's record", found: "nothing",
                remedy: "make it from a run you trust: dmt gate --baseline \(rules.file) RUN --update-baseline")
        }
        // The rules may come with somebody's change request: what they name stays beside them.
        let folder = try RootedPath(root: Folder.parent(of: rules.file))
        _ = try folder.resolve(rules.recordName, in: rules.file, record: "record")
        if let name = rules.evidenceName { _ = try folder.resolve(name, in: rules.file, record: "evidence") }
        return try FinishedRun(rules.recordPath, evidence: rules.evidencePath.map { .file($0) } ?? .none)
    }

    /// Makes a run the baseline. The rules' text stays as it is; where there is none a first one is written.
    ///
    /// The evidence comes first: a record beside evidence of another run is refused when they are read, so that a stop
    /// between the two cannot go unseen.
    ///
    /// - Returns: the files written.
    /// - Throws: `.configuration` for a run that is no measure: unfinished, or without a defined metric, or without evidence
    ///   where the rules name some.
    static func update(_ file: String, with run: FinishedRun) throws(DataError) -> [String] {
        var written: [String] = []
        if !FileBytes.exists(file) {
            try AtomicFile.write(starter(file, run), to: file)
            written.append(file)
        }
        let rules = try GateRules(file: file)
        func refuse(_ expected: String, _ found: String) -> DataError {
            DataError(
                .configuration, file: run.path, expected: expected, found: found,
                remedy: "give a finished run of dmt eval")
        }
        if let status = run.status, status != .done { throw refuse("a run that is done", status.rawValue) }
        guard run.record.fields.metrics.contains(where: { $0.value != nil }) else {
            throw refuse("a defined metric", "none")
        }
        if let path = rules.evidencePath {
            guard let evidence = run.evidence else { throw refuse(RunEvidence.fileName, "none") }
            try evidence.write(to: path)
            written.append(path)
        }
        try portable(run.record).write(to: rules.recordPath)
        written.append(rules.recordPath)
        return written
    }

    /// The record without the folders of the machine that made it: it is committed.
    private static func portable(_ record: RunRecord) -> RunRecord {
        var draft = record.fields
        draft.commandLine = draft.commandLine.map { $0.contains("/") ? Folder.name(of: $0) : $0 }
            .map { $0.isEmpty ? "." : $0 }
        return (try? RunRecord(draft)) ?? record
    }

    /// Rules to begin with: the first metric of each family may not lose evidently, the rest is shown.
    static func starter(_ file: String, _ run: FinishedRun) -> String {
        let name = Folder.name(of: file)
        let stem = name.lastIndex(of: ".").map { String(name[..<$0]) } ?? name
        var text = """
            kind: gate
            record: "\(quoted(stem)).run.json"

            """
        if run.evidence != nil { text += "evidence: \"\(quoted(stem)).evidence.safetensors\"\n" }
        text += """
            # A metric fails that lost more than its limit; with 'evident' only where the paired interval leaves zero out.
            # Also: max_relative_drop, floor, ceiling, informational: true; '*' in a name stands for any text.
            metrics:

            """
        let defined = run.record.fields.metrics.filter { $0.value != nil }
        let chief = defined.filter { headline.contains($0.name) }
        for metric in chief.isEmpty ? Array(defined.prefix(1)) : chief {
            text += "  \"\(quoted(metric.name))\": {max_drop: 0.01, evident: true}\n"
        }
        return text + "default: {informational: true}\n"
    }

    /// What a task's table shows first.
    private static let headline = ["mIoU", "AP_box", "AP_mask", "top1", "knn_top1", "linear_top1"]

    private static func quoted(_ text: String) -> String {
        text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"")
    }
}
