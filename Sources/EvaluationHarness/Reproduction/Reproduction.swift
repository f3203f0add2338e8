import Determinism
import JSONText
import Reporting
import SafeFiles

/// `dmt reproduce TABLE`: published numbers beside those of runs that are found, and the runs that are missing.
public struct Reproduction {
    private let table: PaperTable
    private let inputs: ReproductionInputs
    private let library: RecipeLibrary
    /// Folder that is searched for runs.
    private let runs: String
    /// Folder in which missing runs are made; one for all tables, which share students.
    private let work: String

    /// - Parameter runs: nil stands for `runs`, which may be missing.
    /// - Throws: `.missing` for a named folder that is not there.
    public init(_ table: PaperTable, runs: String?, inputs: ReproductionInputs) throws(DataError) {
        self.table = table
        self.inputs = inputs
        library = try RecipeLibrary.shipped()
        self.runs = runs ?? "runs"
        if let runs, !Folder.exists(runs) {
            throw DataError(
                .missing, file: runs, expected: "a folder of runs", found: "nothing of that name",
                remedy: "check --runs, or create the folder")
        }
        work = self.runs + "/reproduce"
    }

    /// The table as it is now.
    public func text(_ format: ReportFormat, usesStyle: Bool = false) throws(DataError) -> String {
        let report = try report()
        return format == .json
            ? report.json.text(pretty: true) + "\n" : format.render(report.report, usesStyle: usesStyle)
    }

    private func report() throws(DataError) -> ReproductionReport {
        let found = try FoundRuns([runs, work])
        var problems = found.problems
        let answers = try table.groups.map { group throws(DataError) in
            try group.rows.map { row throws(DataError) -> FoundRuns.Answer? in
                switch row.own {
                case .none: return nil
                case .recipe(let request):
                    return try found.answer(request, group.columns, images: table.images, library: library)
                case .places(let places):
                    let named = try FoundRuns(places: places)
                    problems += named.problems
                    return FoundRuns.answer(named.records, group.columns, images: table.images)
                case .measured(let request):
                    return try measured(request, group.columns)
                }
            }
        }
        return ReproductionReport(table: table, answers: answers, problems: problems)
    }

    /// The figures of a network, from the job that measured it.
    private func measured(
        _ request: NetworkRequest, _ columns: [PaperTable.Column]
    ) throws(DataError) -> FoundRuns.Answer {
        var answer = FoundRuns.Answer()
        guard let cost = try LabLedger(folder: work).document(of: request.job)?["cost"] else { return answer }
        for column in columns {
            guard let value = cost[column.metric]?.double else { continue }
            answer.values[column.key] = SeedSummary([value])
        }
        return answer
    }

    // MARK: What is missing

    private func plan() throws(DataError) -> ReproductionPlan {
        let answers = try report().answers
        var rows: [PaperTable.Row] = []
        for (group, answers) in zip(table.groups, answers) {
            for (row, answer) in zip(group.rows, answers) {
                if let answer, group.columns.contains(where: { answer.values[$0.key] == nil }) { rows.append(row) }
            }
        }
        return try ReproductionPlan(rows, inputs, library)
    }

    /// What filling the missing cells costs.
    ///
    /// - Parameter measures: times steps of each recipe on this machine, which takes minutes and the recipe's memory.
    public func planned(_ session: CommandSession, measures: Bool) throws -> (json: JSONValue, text: String) {
        let plan = try plan()
        var costs = try FillingCosts(plan, library)
        if measures { try costs.measure(session) }
        return (costs.json(table.name), costs.text(table.name, work))
    }

    /// Runs what is missing and can be run, one job after the other on all threads.
    ///
    /// - Parameter commandLine: what an interruption tells to type again.
    /// - Throws: `.missing` where data or teachers are missing for every run that is to come.
    public func run(_ session: CommandSession, commandLine: [String]) throws {
        let plan = try plan()
        if plan.jobs.isEmpty {
            if plan.fillings.isEmpty { return session.note("no run is missing") }
            throw DataError(
                .missing, file: "dmt reproduce \(table.name) --run", expected: plan.missing.joined(separator: ", "),
                found: "none of it",
                remedy: "give what is there; dmt reproduce \(table.name) --plan tells what needs it")
        }
        for filling in plan.fillings where !filling.missing.isEmpty {
            session.logger.warning("\(filling.title): not run, needs \(filling.missing.joined(separator: ", "))")
        }
        try Folder.create(work)
        let lock = try RunLock(folder: work)
        defer { withExtendedLifetime(lock) {} }
        session.listenForInterrupts()
        try LabRunner(plan.jobs, in: work, width: 1, commandLine: commandLine, session: session).run()
    }
}
