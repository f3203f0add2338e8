import ArgumentParser
import EvaluationHarness

/// `dmt model`
struct ModelCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "model", abstract: "Describe and convert checkpoints.", subcommands: [Info.self, Convert.self])

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

    /// `dmt model convert`
    struct Convert: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "convert", abstract: "Write a checkpoint's tensors in another storage type.")

        @Argument(help: "A safetensors file.")
        var input: String

        @Argument(help: "The safetensors file to write.")
        var output: String

        @Option(help: "Stored values: f32 or bf16.")
        var storage: ModelFile.StoredType

        @OptionGroup var global: GlobalOptions

        func run() throws {
            try runReporting(global) { session in
                try ModelConversion.run(input, to: output, storage: storage)
                let report = try ModelReport(output, imageSize: 224)
                try session.emit(report.json, text: "\(output)\n")
            }
        }
    }
}
