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

        @Argument(help: "A checkpoint: safetensors, PyTorch (.pth) or NumPy (.npz).")
        var file: String

        @Option(help: "Pixels a side of the picture that FLOPs are told for.")
        var size = 224

        @Flag(help: "Measure activation memory and images a second of the encoder with random weights.")
        var measure = false

        @Option(help: "Pictures a pass of --measure.")
        var batch = 8

        @Option(help: "Precision of --measure: f32 or bf16.")
        var precision = ModelCost.Precision.f32

        @OptionGroup var global: GlobalOptions

        func validate() throws {
            guard (1...4096).contains(batch) else { throw ValidationError("--batch \(batch): 1 to 4096.") }
            guard (1...16384).contains(size) else { throw ValidationError("--size \(size): 1 to 16384.") }
        }

        func run() throws {
            try runReporting(global) { session in
                var report = try ModelReport(file, imageSize: size)
                if measure { report.measure(batchSize: batch, precision: precision) }
                try session.emit(report.json, text: report.text)
            }
        }
    }

    /// `dmt model convert`
    struct Convert: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "convert",
            abstract: "Make a backbone's file of a published checkpoint, or change how tensors are stored.",
            discussion: """
                With --source the encoder is taken out of the checkpoint (.pth or safetensors) and written with what it \
                is; eval, distill and train take such a file. Without, tensors and names stay as they are.
                """)

        @Argument(help: "A checkpoint.")
        var input: String

        @Argument(help: "The safetensors file to write.")
        var output: String

        @Option(help: "Stored values: f32 or bf16.")
        var storage = ModelFile.StoredType.f32

        @Option(
            help:
                "Code base that wrote it: \(FeatureInspection.Source.allCases.map(\.rawValue).joined(separator: ", "))."
        )
        var source: FeatureInspection.Source?

        @Option(help: "Attention heads; the source's rule unless given.")
        var heads: Int?

        @Option(help: "Resize the table of positions for pictures of this many pixels a side.")
        var size: Int?

        @OptionGroup var global: GlobalOptions

        func run() throws {
            try runReporting(global) { session in
                var conversion = ModelConversion()
                conversion.storage = storage
                conversion.source = source
                conversion.heads = heads
                conversion.imageSize = size
                try conversion.run(input, to: output)
                let report = try ModelReport(output, imageSize: 224)
                try session.emit(report.json, text: "\(output)\n")
            }
        }
    }
}

extension FeatureInspection.Source: ExpressibleByArgument {}
extension ModelCost.Precision: ExpressibleByArgument {}
