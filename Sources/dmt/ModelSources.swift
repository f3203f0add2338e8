import ArgumentParser
import EvaluationHarness

extension ModelCommand {
    /// `dmt model sources`
    struct Sources: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "sources", abstract: "List the published checkpoints that recipes expect.")

        @OptionGroup var global: GlobalOptions

        func run() throws {
            try runReporting(global) { session in
                try session.emit(PublishedModel.json, text: PublishedModel.text)
            }
        }
    }

    /// `dmt model draw`
    struct Draw: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "draw", abstract: "Write a ViT of random weights: a control, or a stand-in of the true size.")

        @Argument(help: "The file to write.")
        var output: String

        @Option(help: "vit-tiny, vit-small, vit-base or vit-large.")
        var arch: String

        @OptionGroup var global: GlobalOptions

        func run() throws {
            try runReporting(global) { session in
                try ModelFile.draw(arch, seed: session.seed, to: output)
                session.name(files: [output])
            }
        }
    }
}
