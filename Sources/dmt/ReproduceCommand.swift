import ArgumentParser
import EvaluationHarness

/// `dmt reproduce`
struct ReproduceCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reproduce", abstract: "Print a table of results, and fill its missing cells.",
        discussion: """
            TABLE is lab: several self-supervised teachers against one, the paper's experiment at the size of two cores, on \
            drawn scenes. Without --run nothing is computed: cells that no run has filled say so. A stopped --run goes on \
            with the same command.
            """)

    enum Table: String, CaseIterable, ExpressibleByArgument { case lab }

    @Argument(help: "lab.")
    var table: Table

    @Flag(name: .customLong("run"), help: "Run what is missing, as many jobs side by side as --threads says.")
    var fills = false

    @Flag(help: "Print every job with its command, and what the missing ones would cost.")
    var plan = false

    @Option(help: "Folder of the runs.")
    var out = "runs/lab"

    @Option(help: "Recipe of kind lab: a name or a file.")
    var recipe = "lab"

    @Argument(help: "Overrides, key.sub=value.")
    var overrides: [String] = []

    @OptionGroup var global: GlobalOptions

    func validate() throws {
        if fills && plan { throw ValidationError("--run and --plan exclude each other.") }
    }

    func run() throws {
        try runReporting(global) { session in
            let lab = try Lab(recipe: try RecipeLibrary.shipped().load(recipe, overrides: overrides), folder: out)
            if plan {
                let planned = try lab.planned()
                try session.emit(planned.json, text: planned.text)
                return
            }
            if fills { try lab.run(session, commandLine: CommandLine.arguments) }
            let table = try lab.table()
            try session.emit(table.json, text: table.text)
        }
    }
}
