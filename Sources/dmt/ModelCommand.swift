import ArgumentParser
import EvaluationHarness

/// `dmt model`
struct ModelCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "model", abstract: "Describe checkpoints.", subcommands: [Info.self])

    /// `dmt model info`
    struct Info: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "info", abstract: "List a checkpoint's tensors and tell which ViT it is and what it costs.")

        @Argument(help: "A safetensors file.")
        var file: String

        @Option(help: "Pixels a side of the picture that FLOPs are told for.")
        var size = 224

        @OptionGroup var global: GlobalOptions

        func validate() throws {
            guard (1...16384).contains(size) else { throw ValidationError("--size \(size): 1 to 16384.") }
        }

        func run() throws {
            try runReporting(global) { session in
                let report = try ModelReport(file, imageSize: size)
                try session.emit(report.json, text: report.text)
            }
        }
    }
}
