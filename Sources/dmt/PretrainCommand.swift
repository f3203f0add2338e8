import ArgumentParser
import EvaluationHarness

/// `dmt pretrain`
struct PretrainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pretrain", abstract: "Train a small self-supervised teacher on unlabelled pictures.",
        discussion: """
            The encoder is teacher.safetensors in the run folder. Recipes: dmt recipes. A run that was stopped, killed or ran \
            into a full disk goes on with --out FOLDER --resume.
            """)

    @Argument(help: "mae, mocov3 or ibot.")
    var method: PretrainingMethod

    @Option(help: "Recipe of kind pretrain: a name or a file; teacher-METHOD unless given.")
    var recipe: String?

    @Option(help: "A dataset.yaml with a section `unlabelled`, or the folder it lies in.")
    var data: String

    @Option(help: "Run folder; runs/<time>-<hash>-<name> unless given.")
    var out: String?

    @Flag(help: "Continue the unfinished run in the folder of --out, to the bytes of a run that never stopped.")
    var resume = false

    @Option(help: "Stored values: f32 or bf16.")
    var storage = ModelFile.StoredType.f32

    @Option(help: MemoryAllowance.help)
    var memory = MemoryAllowance.available

    @Argument(help: "Overrides, key.sub=value.")
    var overrides: [String] = []

    @OptionGroup var global: GlobalOptions

    func validate() throws { try demandFolder(toResume: resume, out: out) }

    func run() throws {
        try runReporting(global) { session in
            let library = try RecipeLibrary.shipped()
            let recipe = try library.load(recipe ?? "teacher-\(method.rawValue)", overrides: overrides)
            let run = try PretrainingRun(recipe: recipe, seed: session.seed)
            guard run.settings.method == method else {
                throw ValidationError(
                    "recipe \(recipe.name) is for \(run.settings.method.rawValue), not \(method.rawValue).")
            }
            try run.assertFits(memory, dataset: data, session)
            session.listenForInterrupts()
            let folder = try RunFolder(
                out.map { .exactly($0, resumes: resume) } ?? .fresh(in: "runs"), recipe: recipe,
                commandLine: CommandLine.arguments)
            let document = try folder.tracking(session.terminal) {
                try run.run(dataset: data, in: folder, storage: storage, session: session)
            }
            try session.emit(document, text: document["checkpoint"]?.string.map { $0 + "\n" } ?? "")
            session.name(files: folder.filesWritten)
        }
    }
}

extension PretrainingMethod: ExpressibleByArgument {}
extension ModelFile.StoredType: ExpressibleByArgument {}
