import Reporting
import SafeFiles

/// A run that came to its end: its record, and its evidence where it has some.
public struct FinishedRun: Sendable {
    /// As it was named.
    public let path: String
    /// The file of the record.
    public let file: String
    public let record: RunRecord
    /// Nil where the run has none: written before evidence was, or copied without it.
    public let evidence: RunEvidence?
    /// `done` unless the folder says otherwise; nil for a record alone.
    public let status: RunStatus?

    /// Where a run's evidence is.
    public enum EvidencePlace: Sendable, Equatable {
        /// Under its usual name beside the record, if it is there.
        case beside
        case file(String)
        case none
    }

    /// Reads a run.
    ///
    /// - Parameters:
    ///   - path: a run folder, or its `run.json`.
    ///   - evidence: the evidence's file; beside the record under its usual name unless told otherwise.
    /// - Throws: `.missing` for no record; `.malformed` for a record or evidence that is damaged, and for evidence of another
    ///   run.
    public init(_ path: String, evidence place: EvidencePlace = .beside) throws(DataError) {
        self.path = path
        let folder = Folder.withoutSlash(path)
        if Folder.exists(folder) {
            file = folder + "/run.json"
            status = try RunFolder.status(of: folder)
            guard FileBytes.exists(file) else {
                throw DataError(
                    .missing, file: file, expected: "the record of a finished run",
                    found: status.map { "a run that is \($0.rawValue)" } ?? "nothing",
                    remedy: "give the folder that dmt eval wrote, or its run.json")
            }
        } else {
            (file, status) = (path, nil)
        }
        record = try RunRecord.load(file)
        let evidenceFile: String? =
            switch place {
            case .beside: [Folder.parent(of: file) + "/" + RunEvidence.fileName].first(where: FileBytes.exists)
            case .file(let path): path
            case .none: nil
            }
        guard let evidenceFile else {
            evidence = nil
            return
        }
        let found = try RunEvidence.load(evidenceFile)
        try found.check(against: record, file: evidenceFile)
        evidence = found
    }

    /// What tables call each of several runs: the arm where arms differ, with the seed where that tells them apart, else the
    /// name of the folder, else the path.
    static func labels(_ runs: [FinishedRun]) -> [String] {
        let candidates: [(FinishedRun) -> String] = [
            { $0.record.fields.arm }, { "\($0.record.fields.arm), seed \($0.record.fields.seed)" },
            { Folder.name(of: $0.file.hasSuffix("/run.json") ? Folder.parent(of: $0.file) : $0.file) }, { $0.path },
        ]
        for candidate in candidates {
            let labels = runs.map(candidate)
            if Set(labels).count == runs.count { return labels }
        }
        return runs.enumerated().map { "\($1.path) (\($0 + 1))" }
    }
}
