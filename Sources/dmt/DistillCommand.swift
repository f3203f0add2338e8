import ArgumentParser
import EvaluationHarness

/// `dmt distill`
struct DistillCommand: ParsableCommand, SharesWork {
    static let configuration = CommandConfiguration(
        commandName: "distill", abstract: "Distil frozen teachers into a student on unlabelled pictures.",
        discussion: """
            The student is student.safetensors in the run folder. Recipes: dmt recipes. A run that was stopped, killed or ran \
            into a full disk goes on with --out FOLDER --resume.
            """)

    @Option(help: "Recipe of kind distill: a name or a file.")
    var recipe: String

    @Option(help: "A dataset.yaml with a section `unlabelled`, or the folder it lies in.")
    var data: String?

    @Option(help: "Run folder; runs/<time>-<hash>-<name> unless given.")
    var out: String?

    @Flag(help: "Continue the unfinished run in the folder of --out, to the bytes of a run that never stopped.")
    var resume = false

    @Option(help: "Folder that keeps the teachers' tokens of cached views; later runs do not run the teachers again.")
    var featureCache: String?

    @Flag(help: "Print what would be done and its cost; needs no checkpoint and no data.")
    var dryRun = false

    @Option(help: MemoryAllowance.help)
    var memory = MemoryAllowance.available

    @Argument(help: "Overrides, key.sub=value.")
    var overrides: [String] = []

    @OptionGroup var global: GlobalOptions

    var sharesWork: Bool { !dryRun }

    func validate() throws {
        try demandFolder(toResume: resume, out: out)
        if data == nil && !dryRun { throw ValidationError("--data is needed unless --dry-run is given.") }
    }

    func run() throws {
        try runReporting(global) { session in
            let recipe = try RecipeLibrary.shipped().load(recipe, overrides: overrides)
            var run = try DistillationRun(recipe: recipe, seed: session.seed, resolvesTeachers: !dryRun)
            run.featureFolder = featureCache
            guard let data, !dryRun else {
                let plan = try DistillationPlan(run)
                try session.emit(plan.json, text: plan.text)
                return
            }
            try run.assertFits(memory, dataset: data, session)
            session.listenForInterrupts()
            let folder = try session.runFolder {
                try RunFolder(
                    out.map { .exactly($0, resumes: resume) } ?? .fresh(in: "runs"), recipe: recipe,
                    commandLine: CommandLine.arguments)
            }
            let document = try session.tracking(folder) {
                try run.run(dataset: data, in: folder, session: session)
            }
            try session.emit(document, text: document["checkpoint"]?.string.map { $0 + "\n" } ?? "")
            session.name(files: folder?.filesWritten ?? [])
        }
    }
}
