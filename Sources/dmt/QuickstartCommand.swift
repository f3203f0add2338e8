import ArgumentParser
import EvaluationHarness

/// `dmt quickstart`
struct QuickstartCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "quickstart",
        abstract: "Everything, end to end, on drawn scenes: teachers, students, heads, metrics, report.",
        discussion: "Needs no data and no network; minutes on two cores.")

    @Option(help: "Folder for everything that is made; absent or empty.")
    var out = "quickstart"

    @Option(help: "Arms, separated by commas: \(QuickstartArm.allCases.map(\.rawValue).joined(separator: ", ")).")
    var arms: String?

    @Option(help: "Recipe of kind quickstart: a name or a file.")
    var recipe = "quickstart"

    @Argument(help: "Overrides, key.sub=value.")
    var overrides: [String] = []

    @OptionGroup var global: GlobalOptions

    func run() throws {
        let chosen = try arms.map { text in
            try text.split(separator: ",").map { word in
                guard let arm = QuickstartArm(rawValue: String(word)) else {
                    throw ValidationError(
                        "--arms: '\(word)' is no arm; known are \(QuickstartArm.allCases.map(\.rawValue)).")
                }
                return arm
            }
        }
        try runReporting(global) { session in
            let recipe = try RecipeLibrary.shipped().load(recipe, overrides: overrides)
            let quickstart = try Quickstart(
                recipe: recipe, arms: chosen ?? QuickstartArm.standard, out: out, commandLine: CommandLine.arguments)
            let document = try quickstart.run(session)
            try session.emit(document, text: try quickstart.text())
        }
    }
}
