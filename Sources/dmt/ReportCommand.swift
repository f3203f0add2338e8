import ArgumentParser
import EvaluationHarness

/// `dmt report`
struct ReportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "report", abstract: "Print the page of a run, or the tables of several.",
        discussion: """
            RUN is a run folder, a run.json, or a folder of runs. One run gives its metrics, classes, efficiency, protocol and \
            how to repeat it. Several give a table for each protocol: numbers of different protocols never share one. Runs of \
            one arm that differ in the seed are summarised as mean ± standard deviation.
            """)

    @Argument(help: "Run folders, run.json files, or folders of runs.")
    var runs: [String]

    @OptionGroup var output: ReportOutput

    @OptionGroup var global: GlobalOptions

    func validate() throws { _ = try output.chosen(asJSON: global.json) }

    func run() throws {
        try runReporting(global) { session in
            let format = try output.chosen(asJSON: global.json)
            let usesStyle = output.out == nil && session.output.usesStyle
            try output.write(try RunReport(runs).text(format, usesStyle: usesStyle), session)
        }
    }
}
