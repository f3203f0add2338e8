import JSONText
import Reporting
import SafeFiles

/// `dmt report`: the whole page of one run, or the tables of several, from their records.
public struct RunReport: Sendable {
    private let runs: [(name: String, record: RunRecord)]

    /// - Parameter places: run folders, `run.json` files, or folders of runs, whose finished evaluations are all taken.
    /// - Throws: `.missing` where there is nothing to report; `.malformed` for a record that cannot be read.
    public init(_ places: [String]) throws(DataError) {
        var (runs, seen) = ([(name: String, record: RunRecord)](), Set<String>())
        for place in places {
            for file in try Self.files(place) where seen.insert(file).inserted {
                runs.append((Self.name(file), try RunRecord.load(file)))
            }
        }
        self.runs = runs
    }

    private static func files(_ place: String) throws(DataError) -> [String] {
        guard Folder.exists(place) else { return [place] }
        let folder = Folder.withoutSlash(place)
        let own = "\(folder)/run.json"
        if FileBytes.exists(own) { return [own] }
        if let status = try RunFolder.status(of: folder) {
            throw DataError(
                .missing, file: own, expected: "the record of a finished evaluation",
                found: "none; the run's status is '\(status.rawValue)'",
                remedy: "evaluate its checkpoint with 'dmt eval', or wait for the end of the run")
        }
        let found = try RunCatalogue.folders(in: folder).map { $0 + "/run.json" }.filter(FileBytes.exists)
        guard !found.isEmpty else {
            throw DataError(
                .missing, file: folder, expected: "a run, or a folder of runs", found: "no run.json in it",
                remedy: "see 'dmt runs list' for the runs there are")
        }
        return found
    }

    /// The folder's name for a `run.json`, else the file's.
    private static func name(_ file: String) -> String {
        Folder.name(of: file) == "run.json" ? Folder.name(of: Folder.parent(of: file)) : Folder.name(of: file)
    }

    public var report: Report {
        if runs.count == 1 { return Report(run: runs[0].record) }
        return Report(
            title: "\(runs.count) runs", runs: runs.map(\.record), names: runs.map(\.name))
    }

    /// The report's document with the records themselves.
    public var json: JSONValue {
        guard case .object(let members) = JSONRenderer().json(report) else { return .null }
        return .object(members + [("runs", .array(runs.map { $0.record.json() }))])
    }

    /// In CSV one line a run and metric: what scripts read.
    public func text(_ format: ReportFormat, usesStyle: Bool = false) -> String {
        switch format {
        case .json: json.text(pretty: true) + "\n"
        case .csv: CSVRenderer().render(runs.map(\.record))
        default: format.render(report, usesStyle: usesStyle)
        }
    }
}
