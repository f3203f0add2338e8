import ArgumentParser
import EvaluationHarness

/// `dmt inspect`
struct InspectCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect", abstract: "Look at what a model computes.",
        subcommands: [Features.self, PCA.self, Attention.self, Teachers.self, Predictions.self, Alignment.self])

    /// `dmt inspect features`
    struct Features: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "features", abstract: "Write the tokens that a checkpoint computes for a folder of pictures.",
            discussion: """
                For each picture, `<name without ending>.tokens` of shape (1 + H*W, D): the tokens after the final \
                norm, class token first, then patches row by row. Pictures of the wanted size enter as they are, others are \
                resized by their short side and cut to the middle square.
                """)

        @Option(help: "A checkpoint (safetensors, .pth); decoder and classifier may be missing.")
        var checkpoint: String

        @Option(
            help:
                "Code base that wrote it: \(FeatureInspection.Source.allCases.map(\.rawValue).joined(separator: ", "))."
        )
        var source: String

        @Option(help: "Folder of JPEG and PNG files.")
        var images: String

        @Option(help: "Pixels a side that the model sees.")
        var size = 224

        @Option(help: "Safetensors file to write.")
        var out: String

        @Option(help: "f32, or bf16 for the operands of linear layers.")
        var precision = "f32"

        @Option(help: "Attention heads; the source's rule unless given.")
        var heads: Int?

        @OptionGroup var global: GlobalOptions

        func validate() throws {
            let problems = [
                NamedChoice.complaint(
                    source, among: FeatureInspection.Source.allCases.map(\.rawValue), option: "--source"),
                NamedChoice.complaint(
                    precision, among: FeatureInspection.Precision.allCases.map(\.rawValue), option: "--precision"),
                (1...4096).contains(size) ? nil : "--size \(size): 1 to 4096.",
                heads.map { $0 >= 1 } ?? true ? nil : "--heads \(heads ?? 0): 1 or more.",
            ]
            if let problem = problems.compactMap({ $0 }).first { throw ValidationError(problem) }
        }

        func run() throws {
            try runReporting(global) { session in
                var inspection = FeatureInspection(
                    checkpoint: checkpoint, source: FeatureInspection.Source(rawValue: source)!, images: images,
                    size: size,
                    out: out)
                inspection.precision = FeatureInspection.Precision(rawValue: precision)!
                inspection.heads = heads
                let outcome = try inspection.run(session)
                try session.emit(outcome.json, text: "\(outcome.out): \(outcome.tensorNames.count) pictures\n")
                session.name(files: [out])
            }
        }
    }

    /// `dmt inspect teachers`
    struct Teachers: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "teachers",
            abstract: "Frozen figures of pretrained networks beside random ones of their shape, and their alignment.")

        @Argument(
            help:
                "Checkpoints that say their architecture, as dmt pretrain writes them; shipped:NAME is one of the tool's."
        )
        var checkpoints: [String]

        @Option(help: "A dataset.yaml with segmentation and classification sections, or the folder it lies in.")
        var data: String

        @OptionGroup var global: GlobalOptions

        func run() throws {
            try runReporting(global) { session in
                session.listenForInterrupts()
                var report = TeacherReport(checkpoints: checkpoints, data: data)
                report.seed = session.seed
                let document = try report.run(session)
                try session.emit(document, text: TeacherReport.text(document))
            }
        }
    }
}
