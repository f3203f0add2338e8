import ArgumentParser
import EvaluationHarness

/// Where a report goes and in which form: `@OptionGroup var output: ReportOutput`.
struct ReportOutput: ParsableArguments {
    @Option(
        help: """
            Form: \(ReportFormat.allCases.map(\.rawValue).joined(separator: ", ")). The ending of --out tells it as well; \
            terminal otherwise.
            """)
    var format: ReportFormat?

    @Option(help: "File to write; standard output unless given.")
    var out: String?

    /// - Parameter asJSON: of the global options.
    func chosen(asJSON: Bool) throws -> ReportFormat {
        if asJSON {
            guard format == nil || format == .json else {
                throw ValidationError("--json and --format \(format!.rawValue) exclude each other.")
            }
            return .json
        }
        if let format { return format }
        guard let out else { return .terminal }
        guard let found = ReportFormat(ofFile: out) else {
            throw ValidationError(
                "--out \(out): give --format, or a file that ends in .txt, .md, .csv, .json, .tex or .html.")
        }
        return found
    }

    /// Writes the text to the file, whose name is printed among the files written, or to standard output.
    func write(_ text: String, _ session: CommandSession) throws { try session.deliver(text, to: out) }
}

extension ReportFormat: ExpressibleByArgument {}
