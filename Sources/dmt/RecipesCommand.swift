import ArgumentParser
import EvaluationHarness

/// `dmt recipes`
struct RecipesCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "recipes", abstract: "List the shipped recipes, or show one with the origin of each value.",
        subcommands: [List.self, Show.self], defaultSubcommand: List.self)

    /// `dmt recipes list`
    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(commandName: "list", abstract: "List the shipped recipes.")

        @OptionGroup var global: GlobalOptions

        func run() throws {
            try runReporting(global) { session in
                try session.output.write(RecipeListing.list(.shipped(), asJSON: global.json))
            }
        }
    }

    /// `dmt recipes show`
    struct Show: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "show", abstract: "Print a resolved recipe; each value names the file and line it comes from.")

        @Argument(help: "A shipped recipe's name, or a .yaml file.")
        var recipe: String

        @Argument(help: "Changes: key.sub=value, list[0].key=value, +key=value, ~key.")
        var overrides: [String] = []

        @OptionGroup var global: GlobalOptions

        func run() throws {
            try runReporting(global) { session in
                try session.output.write(
                    RecipeListing.show(recipe, overrides: overrides, library: try? .shipped(), asJSON: global.json))
            }
        }
    }
}
