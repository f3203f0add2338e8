import JSONText
import Reporting
import SafeFiles

/// `dmt compare`: reads runs, compares them and writes the report.
public struct CompareRuns: Sendable {
    /// Run folders or records; with `groupsSeeds` lists of them with commas between.
    public var runs: [String]
    public var groupsSeeds = false
    public var options = RunComparison.Options()
    public var files = ReportFiles()

    public init(_ runs: [String]) { self.runs = runs }

    /// - Returns: the document of `--json` and the text for people.
    /// - Throws: `DataError`: everything that runs, evidence and files throw, and runs that may not be compared.
    public func run(_ session: CommandSession) throws(DataError) -> (document: JSONValue, text: String) {
        let document: JSONValue
        let report: Report
        if groupsSeeds {
            var groups: [[FinishedRun]] = []
            for list in runs {
                var group: [FinishedRun] = []
                for path in list.split(separator: ",") { group.append(try FinishedRun(String(path))) }
                groups.append(group)
            }
            let found = try SeedComparison(groups, allowsDifferentProtocols: options.allowsDifferentProtocols)
            (document, report) = (found.json, found.report)
        } else {
            var read: [FinishedRun] = []
            for path in runs { read.append(try FinishedRun(path)) }
            let found = try RunComparison(read, options: options)
            (document, report) = (found.json, found.report)
        }
        session.name(files: try files.write(report))
        return (document, TerminalRenderer().render(report))
    }
}
