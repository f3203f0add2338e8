import ArgumentParser
import EvaluationHarness

/// `dmt reproduce`
struct ReproduceCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reproduce",
        abstract: "Print a table of published numbers beside ours, and fill its missing cells.",
        discussion: """
            TABLE is imagenet, coco, ade20k, efficiency, a YAML file of your own, or lab: several self-supervised teachers \
            against one, the paper's experiment at the size of two cores, on drawn scenes. Without --run nothing is computed: \
            cells that no run has filled say so. A stopped --run goes on with the same command.
            For lab, --out is the folder of its runs; for all others the file that the table is written to.
            Example: dmt reproduce ade20k --data imagenet=ILSVRC ade20k=ADEChallengeData2016 --teachers teachers --run
            """)

    @Argument(help: "imagenet, coco, ade20k, efficiency, lab, or a .yaml file.")
    var table: String

    @Flag(
        name: .customLong("run"),
        help: "Run what is missing: lab as many jobs side by side as --threads says, others one.")
    var fills = false

    @Flag(help: "Print every job with its command, and what the missing ones would cost.")
    var plan = false

    @Flag(help: "With --plan, time steps of each recipe on this machine: minutes, and as much memory as each needs.")
    var measure = false

    @OptionGroup var output: ReportOutput

    @Option(
        help:
            "Folder that is searched for runs, and in whose folder reproduce --run makes those that are missing; runs unless given."
    )
    var runs: String?

    @Option(parsing: .upToNextOption, help: "Data sets of --run, NAME=FOLDER: imagenet=… coco=… ade20k=….")
    var data: [String] = []

    @Option(help: "Folder of published checkpoints for --run: see dmt model sources.")
    var teachers: String?

    @Option(help: "Seeds of --run and --plan, with commas between.")
    var seeds = "0"

    @Option(help: "Recipe of kind lab: a name or a file.")
    var recipe = "lab"

    @Argument(help: "Overrides of the lab's recipe, key.sub=value.")
    var overrides: [String] = []

    @OptionGroup var global: GlobalOptions

    private func seedList() throws -> [UInt64] {
        let list = seeds.split(separator: ",", omittingEmptySubsequences: false).map { UInt64($0) }
        guard !list.isEmpty, list.allSatisfy({ $0 != nil }), Set(list).count == list.count else {
            throw ValidationError("--seeds \(seeds): whole numbers with commas between, each once.")
        }
        return list.compactMap(\.self)
    }

    func validate() throws {
        if fills && plan { throw ValidationError("--run and --plan exclude each other.") }
        if measure && !plan { throw ValidationError("--measure is for --plan.") }
        if table == "lab" {
            guard runs == nil, data.isEmpty, teachers == nil else {
                throw ValidationError("lab knows no --runs, --data and --teachers; its files are in --out.")
            }
            guard output.format == nil || !global.json else {
                throw ValidationError("--json and --format exclude each other.")
            }
        } else {
            guard overrides.isEmpty, recipe == "lab" else {
                throw ValidationError("--recipe and overrides are for lab, not for \(table).")
            }
            _ = try output.chosen(asJSON: global.json)
        }
        _ = try seedList()
    }

    func run() throws {
        try runReporting(global) { session in try table == "lab" ? runLab(session) : runTable(session) }
    }

    private func runLab(_ session: CommandSession) throws {
        let lab = try Lab(
            recipe: try RecipeLibrary.shipped().load(recipe, overrides: overrides), folder: output.out ?? "runs/lab")
        if plan {
            let planned = try lab.planned()
            try session.emit(planned.json, text: planned.text)
            return
        }
        if fills { try lab.run(session, commandLine: CommandLine.arguments) }
        if let format = output.format {
            try session.output.write(try lab.text(format, usesStyle: session.output.usesStyle))
            return
        }
        let table = try lab.table()
        try session.emit(table.json, text: table.text)
    }

    private func runTable(_ session: CommandSession) throws {
        let inputs = try ReproductionInputs(data: data, teachers: teachers, seeds: try seedList())
        let reproduction = try Reproduction(try PaperTable.load(table), runs: runs, inputs: inputs)
        if plan {
            let planned = try reproduction.planned(session, measures: measure)
            try session.emit(planned.json, text: planned.text)
            return
        }
        if fills { try reproduction.run(session, commandLine: CommandLine.arguments) }
        let format = try output.chosen(asJSON: global.json)
        let usesStyle = output.out == nil && session.output.usesStyle
        try output.write(try reproduction.text(format, usesStyle: usesStyle), session)
    }
}
