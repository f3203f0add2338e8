import Determinism
import JSONText
import Reporting
import SafeFiles

/// `dmt reproduce lab`: the paper's experiment at the size of two cores, on drawn scenes.
///
/// Every number comes from a `dmt` command that `plan` prints and a user could type. What is done stays: a second call fills
/// what is missing.
public struct Lab {
    let recipe: Recipe
    let folder: String
    let plan: LabPlan

    /// - Parameter folder: absent, empty, or a lab's of this recipe.
    public init(recipe: Recipe, folder: String) throws(DataError) {
        self.recipe = recipe
        self.folder = folder
        plan = LabPlan(try LabSettings(recipe))
    }

    /// Runs the jobs that are not done, as many side by side as the session has threads, and writes table and report.
    ///
    /// - Parameter commandLine: what an interruption tells to type again.
    public func run(_ session: CommandSession, commandLine: [String]) throws {
        try Folder.create(folder)
        let lock = try RunLock(folder: folder)
        defer { withExtendedLifetime(lock) {} }
        session.listenForInterrupts()
        let start = ContinuousClock.now
        try plan.settings.checkRecipes()
        let runner = try LabRunner(
            plan.jobs, in: folder, width: Parallel.threadCount, commandLine: commandLine, session: session
        ) { job in
            guard job.name == LabPlan.scenes else { return }
            try LabelledLists.write(of: "\(folder)/scenes", count: plan.settings.scenes.labelled, to: folder)
        }
        try runner.run()
        session.note("all jobs are done; this call took \(Int((ContinuousClock.now - start).seconds)) s")
        session.name(files: try report().write(to: folder))
    }

    private func report() throws -> LabReport {
        let entries = try LabLedger(folder: folder).entries(of: plan.jobs)
        return LabReport(try LabTable(plan, entries), recipe: recipe, entries)
    }

    /// The table as it is now: the document of `--json` and a text for people.
    public func table() throws -> (json: JSONValue, text: String) {
        let report = try report()
        let markdown = MarkdownRenderer().render(report.report)
        return (report.json, markdown.components(separatedBy: "\n## All comparisons")[0] + "\n")
    }

    /// The whole report as it is now.
    public func text(_ format: ReportFormat, usesStyle: Bool = false) throws -> String {
        let report = try report()
        return format == .json
            ? report.json.text(pretty: true) + "\n" : format.render(report.report, usesStyle: usesStyle)
    }

    /// Every job, whether it is done, and what the rest would cost.
    public func planned() throws -> (json: JSONValue, text: String) {
        let entries = try LabLedger(folder: folder).entries(of: plan.jobs)
        let jobs = plan.jobs.map { ($0, entries[$0.name]) }
        let width = Parallel.threadCount
        let left = jobs.filter { $0.1 == nil }.reduce(0) { $0 + $1.0.coreSeconds }
        let document = JSONValue.object([
            ("schema_version", .int(1)), ("recipe", .string(recipe.name)), ("folder", .string(folder)),
            ("core_seconds_left", .double(left)),
            (
                "jobs",
                .array(
                    jobs.map { job, entry in
                        .object([
                            ("job", .string(job.name)), ("done", .bool(entry != nil)),
                            ("core_seconds", .double(entry?.coreSeconds ?? job.coreSeconds)),
                            ("command", .string(job.commandLine)),
                        ])
                    })
            ),
        ])
        var lines = [
            "\(jobs.count { $0.1 != nil }) of \(jobs.count) jobs are done in \(folder); the rest is about "
                + "\(Int(left / 60)) core-minutes by the recipe's figures, \(Int(left / 60 / Double(width))) min on "
                + "\(width) cores.", "Commands, run in that folder:",
        ]
        lines += jobs.map { ($1 == nil ? "  " : "✓ ") + $0.commandLine }
        return (document, lines.joined(separator: "\n") + "\n")
    }
}
