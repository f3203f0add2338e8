import ArgumentParser
import EvaluationHarness

/// `dmt gate`
struct GateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "gate",
        abstract: "Hold a run against a committed baseline; 1 where a metric is worse than its rule allows.",
        discussion: """
            FILE has the rules, one a metric: max_drop, max_relative_drop, evident, floor, ceiling, informational. The \
            baseline's record and evidence lie beside it. All offenders are listed. An undefined or missing metric, another \
            protocol or data set, and a run that is not done are failures (1); rules, baseline or run that cannot be read are \
            errors (65, 66, 78). Documentation/gate.md describes the rules.
            """)

    @Argument(help: ArgumentHelp("A run folder, or its run.json.", valueName: "run"))
    var folder: String

    @Option(help: "The rules, a YAML file of kind gate.")
    var baseline: String

    @Flag(help: "Make the run the baseline; rules are kept, or begun where there are none.")
    var updateBaseline = false

    @Option(help: "Write the answer as Markdown that fits into a comment on a pull request.")
    var markdown: String?

    @Option(help: "Write the answer as JUnit's XML, one test case a metric.")
    var junit: String?

    @Flag(help: "Print annotations for GitHub, and append to the step's summary.")
    var github = false

    @Option(help: "Draws of the bootstrap over images.")
    var bootstrap = 1000

    @OptionGroup var global: GlobalOptions

    func validate() throws {
        if !(100...1_000_000).contains(bootstrap) { throw ValidationError("--bootstrap \(bootstrap): 100 to 1000000.") }
        if updateBaseline && (markdown != nil || junit != nil || github) {
            throw ValidationError("--update-baseline compares nothing: leave --markdown, --junit and --github out.")
        }
    }

    func run() throws {
        try runReporting(global) { session in
            var gate = Gate(baseline: baseline, run: folder)
            gate.draws = bootstrap
            gate.updatesBaseline = updateBaseline
            gate.markdown = markdown
            gate.junit = junit
            gate.annotatesGitHub = github
            let answer = try gate.run(session)
            try session.emit(answer.document, text: answer.text)
            for line in answer.annotations {
                // GitHub reads both streams; standard output holds one document under --json.
                if global.json { session.terminal.write(line: line) } else { try session.output.write(line + "\n") }
            }
            if !answer.passes { throw ExitCode(1) }
        }
    }
}
