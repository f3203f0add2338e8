import ArgumentParser
import EvaluationHarness

/// `dmt compare`
struct CompareCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "compare", abstract: "Compare runs: metrics, classes and pictures, with paired intervals.",
        discussion: """
            Each RUN is a folder that dmt eval wrote, or its run.json. The first is the reference: differences are the other \
            run's value minus its own, with a 95 % interval from a bootstrap over the same images, a p-value and a verdict. \
            Neither truth nor predictions are read. Runs of different tasks, data or protocols are refused (78), and so are \
            runs without evidence.safetensors of the same images.

            With --seeds each RUN is a list, A1,A2,A3 B1,B2,B3: means and standard deviations over seeds, and paired t tests.
            """)

    @Argument(help: "Two run folders or more; the first is the reference.")
    var runs: [String]

    @Flag(help: "Each RUN is a list of runs, with commas between, that differ in the seed alone.")
    var seeds = false

    @Flag(help: "Compare runs of different tasks, data or protocols; every table is marked.")
    var allowDifferentProtocols = false

    @Flag(help: "Where runs cannot be paired, use both standard errors: no classes, no pictures, wider intervals.")
    var unpaired = false

    @Option(help: "Draws of the bootstrap over images.")
    var bootstrap = 1000

    @Option(help: "Pictures in each of the lists of most lost and most gained.")
    var pictures = 5

    @Option(help: "Write the report as Markdown.")
    var markdown: String?

    @Option(help: "Write the report as one HTML page.")
    var html: String?

    @Option(help: "Write the report's tables as CSV, in full precision.")
    var csv: String?

    @OptionGroup var global: GlobalOptions

    func validate() throws {
        if runs.count < 2 { throw ValidationError("Give two runs or more.") }
        if !(100...1_000_000).contains(bootstrap) { throw ValidationError("--bootstrap \(bootstrap): 100 to 1000000.") }
        if !(0...100_000).contains(pictures) { throw ValidationError("--pictures \(pictures): 0 to 100000.") }
        if seeds && unpaired { throw ValidationError("--seeds and --unpaired exclude each other.") }
    }

    func run() throws {
        try runReporting(global) { session in
            var comparison = CompareRuns(runs)
            comparison.groupsSeeds = seeds
            comparison.options.draws = bootstrap
            comparison.options.seed = session.seed
            comparison.options.allowsDifferentProtocols = allowDifferentProtocols
            comparison.options.allowsUnpaired = unpaired
            comparison.options.imageCount = pictures
            comparison.files = ReportFiles(markdown: markdown, html: html, csv: csv)
            let (document, text) = try comparison.run(session)
            try session.emit(document, text: text)
        }
    }
}
