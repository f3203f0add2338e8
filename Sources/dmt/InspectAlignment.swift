import ArgumentParser
import EvaluationHarness

extension InspectCommand {
    /// `dmt inspect alignment`
    struct Alignment: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "alignment",
            abstract: "How alike the patch tokens of networks, or of their layers, are: CKA as a heat map.",
            discussion: """
                Two checkpoints or more: the last tokens of each against each. With --layers, one checkpoint: its layers \
                against each other; two: the layers of one against those of the other.
                """)

        @Option(help: "A backbone's file, or with --source a published checkpoint; once for each network.")
        var checkpoint: [String]

        @Option(
            help:
                "Code base that wrote them, once for all or once for each: \(FeatureInspection.Source.allCases.map(\.rawValue).joined(separator: ", "))."
        )
        var source: [FeatureInspection.Source] = []

        @Option(help: "Folder of JPEG and PNG files.")
        var images: String

        @Option(help: "Pixels a side that all models see; the first one's own unless given.")
        var size: Int?

        @Flag(help: "Compare layers instead of last tokens.")
        var layers = false

        @Option(help: "unbiased, or linear: the plain estimate, which tends to 1 with fewer patches than channels.")
        var estimator = AlignmentInspection.Estimator.unbiased

        @Option(help: "Patches compared, at equal distances among those of all pictures.")
        var patches = 2048

        @Option(help: "Folder to write alignment.svg, alignment.csv and alignment.json to.")
        var out: String

        @OptionGroup var global: GlobalOptions

        func validate() throws {
            guard (4...65_536).contains(patches) else { throw ValidationError("--patches \(patches): 4 to 65536.") }
        }

        func run() throws {
            try runReporting(global) { session in
                var inspection = AlignmentInspection(checkpoints: checkpoint, images: images, out: out)
                inspection.sources = source
                inspection.size = size
                inspection.comparesLayers = layers
                inspection.estimator = estimator
                inspection.patchLimit = patches
                let document = try inspection.run(session)
                try session.emit(document, text: AlignmentInspection.text(of: document))
            }
        }
    }
}

extension AlignmentInspection.Estimator: ExpressibleByArgument {}
