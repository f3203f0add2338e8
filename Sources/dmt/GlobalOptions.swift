import ArgumentParser
import EvaluationHarness

/// The options of every verb: `@OptionGroup var global: GlobalOptions`.
struct GlobalOptions: ParsableArguments {
    @Flag(help: "Print exactly one JSON document on standard output.")
    var json = false

    @Option(help: "Threads; all cores unless given.")
    var threads: Int?

    @Option(help: "Seed of everything random; 0 unless given.")
    var seed: UInt64?

    @Option(help: "Pixels that a picture may have; 178956970 unless given.")
    var maxPixels: Int?

    @Flag(name: .shortAndLong, help: "Warnings and errors only.")
    var quiet = false

    @Flag(name: .shortAndLong, help: "Details as well.")
    var verbose = false

    @Option(help: "Form of the lines on standard error: text or json.")
    var logFormat = TerminalLogHandler.Format.text

    func validate() throws {
        if let threads, !(1...1024).contains(threads) { throw ValidationError("--threads \(threads): 1 to 1024.") }
        if let maxPixels, maxPixels < 1 { throw ValidationError("--max-pixels \(maxPixels): at least 1.") }
        if quiet && verbose { throw ValidationError("--quiet and --verbose exclude each other.") }
    }

    var session: CommandSession.Options {
        var options = CommandSession.Options()
        options.printsJSON = json
        options.threads = threads
        options.seed = seed
        options.maxPixels = maxPixels
        options.isQuiet = quiet
        options.isVerbose = verbose
        options.logFormat = logFormat
        return options
    }
}

extension TerminalLogHandler.Format: ExpressibleByArgument {}

/// What the verbs that train ask of `--resume`.
func demandFolder(toResume resume: Bool, out: String?) throws {
    if resume && out == nil { throw ValidationError("--resume needs --out FOLDER: the run to continue.") }
}
