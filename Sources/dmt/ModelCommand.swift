import ArgumentParser
import EvaluationHarness

/// `dmt model`
struct ModelCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "model", abstract: "Describe, convert and draw checkpoints.",
        subcommands: [Info.self, Convert.self, Sources.self, Draw.self])

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
        var precision = ProductPrecision.f32

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
                is; eval, distill and train take such a file. Without, tensors and names stay as they are. With \
                --to onnx the whole network is written for pictures of one size: a backbone, a segmentation model or a \
                classifier.
                """)

        @Argument(help: "A checkpoint.")
        var input: String

        @Argument(help: "The file to write.")
        var output: String

        @Option(help: "What is written: safetensors or onnx.")
        var to = Format.safetensors

        @Option(help: "Stored values: f32 or bf16 (safetensors alone).")
        var storage = ModelFile.StoredType.f32

        @Option(
            help:
                "Code base that wrote it: \(FeatureInspection.Source.allCases.map(\.rawValue).joined(separator: ", "))."
        )
        var source: FeatureInspection.Source?

        @Option(help: "Attention heads; the source's rule unless given.")
        var heads: Int?

        @Option(
            help:
                "Resize the table of positions for pictures of this many pixels a side; with onnx the size of the input."
        )
        var size: Int?

        @Option(help: "ONNX's operator set, \(ONNXExport.opsets.lowerBound) to \(ONNXExport.opsets.upperBound).")
        var opset = ONNXExport.opsets.lowerBound

        @Option(help: "Read the head as well: upernet (with --source) or vitdet (detectron2's Mask R-CNN).")
        var head: PublishedHead?

        @Option(help: "With --head upernet, the four blocks its pyramid reads: 3,5,7,11.")
        var taps: String?

        @Option(help: "With --head vitdet, a COCO file whose categories its classes are; COCO's 80 unless given.")
        var categories: String?

        @OptionGroup var global: GlobalOptions

        enum Format: String, ExpressibleByArgument, CaseIterable {
            case safetensors, onnx
        }

        func validate() throws {
            guard ONNXExport.opsets.contains(opset) else {
                throw ValidationError(
                    "--opset \(opset): \(ONNXExport.opsets.lowerBound) to \(ONNXExport.opsets.upperBound).")
            }
            guard to == .onnx || opset == ONNXExport.opsets.lowerBound else {
                throw ValidationError("--opset is for --to onnx.")
            }
            guard to == .safetensors || head == nil else {
                throw ValidationError("--head: convert to safetensors first, then that file to onnx.")
            }
            guard head != nil || (taps == nil && categories == nil) else {
                throw ValidationError("--taps and --categories are for --head.")
            }
            guard taps == nil || blocks != nil else {
                throw ValidationError("--taps \(taps ?? ""): four numbers with commas, 3,5,7,11 for instance.")
            }
            guard to == .safetensors || storage == .f32 else {
                throw ValidationError("--storage \(storage.rawValue): ONNX files hold f32.")
            }
        }

        /// The numbers of `--taps`; nil where they are not four.
        private var blocks: [Int]? {
            let numbers = taps?.split(separator: ",", omittingEmptySubsequences: false).map { Int($0) } ?? []
            return numbers.count == 4 && numbers.allSatisfy { $0 ?? -1 >= 0 } ? numbers.compactMap(\.self) : nil
        }

        func run() throws {
            try runReporting(global) { session in
                if to == .onnx { return try export(session) }
                var conversion = ModelConversion()
                conversion.storage = storage
                conversion.source = source
                conversion.heads = heads
                conversion.imageSize = size
                (conversion.head, conversion.taps, conversion.categories) = (head, blocks, categories)
                try conversion.run(input, to: output)
                let report = try ModelReport(output, imageSize: 224)
                try session.emit(report.json, text: "\(output)\n")
            }
        }

        private func export(_ session: CommandSession) throws {
            var export = ONNXExport()
            export.opset = opset
            export.size = size
            export.source = source
            export.heads = heads
            let outcome = try export.run(input, to: output)
            try session.emit(outcome.json, text: "\(output)\n")
        }
    }
}

extension FeatureInspection.Source: ExpressibleByArgument {}
extension PublishedHead: ExpressibleByArgument {}
extension ProductPrecision: ExpressibleByArgument {}
