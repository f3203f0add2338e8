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
        var arch: String?

        @Option(help: "Recipe of kind distill: its student, as it is before the first step.")
        var studentOf: String?

        @OptionGroup var global: GlobalOptions

        func validate() throws {
            if (arch == nil) == (studentOf == nil) { throw ValidationError("give --arch or --student-of.") }
        }

        func run() throws {
            try runReporting(global) { session in
                if let arch {
                    try ModelFile.draw(arch, seed: session.seed, to: output)
                } else if let studentOf {
                    let recipe = try RecipeLibrary.shipped().load(studentOf, overrides: [])
                    let run = try DistillationRun(recipe: recipe, seed: session.seed, resolvesTeachers: false)
                    try ModelFile.draw(run.settings.student, seed: session.seed, to: output)
                }
                session.name(files: [output])
            }
        }
    }
}
