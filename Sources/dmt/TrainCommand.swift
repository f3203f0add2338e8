import ArgumentParser
import EvaluationHarness

/// `dmt train`
struct TrainCommand: ParsableCommand, SharesWork {
    static let configuration = CommandConfiguration(
        commandName: "train",
        abstract: "Fine-tune a head, and with it a backbone, on labelled pictures.",
        discussion: """
            TASK is segment, detect or classify. Data is a dataset.yaml (or its folder) with a section of that task; \
            a run folder with checkpoint.safetensors, curves and log is written, and with training.validate in the recipe \
            best.safetensors. A run that was stopped, killed or ran \
            into a full disk goes on with --out FOLDER --resume.
            Example: dmt train segment --recipe segment-scenes --data scenes --checkpoint student.safetensors \
            training.steps=300
            """)

    @Argument(help: "segment, detect or classify.")
    var task: HeadTask

    @Option(help: "A shipped recipe's name, or a .yaml file.")
    var recipe: String

    @Option(help: "A dataset.yaml, or the folder it lies in.")
    var data: String?

    @Option(help: "Pretrained backbone; without it the recipe's backbone starts from random values.")
    var checkpoint: String?

    @Option(help: "File with one picture name a line: train on these alone.")
    var imageList: String?

    @Option(help: "Train on this many pictures, taken at equal distances of the split.")
    var limit: Int?

    @Flag(help: "Print what would be done and its cost; needs no checkpoint, and no data unless given.")
    var dryRun = false

    @Option(help: "Run folder; runs/<time>-<hash>-<name> unless given.")
    var out: String?

    @Flag(help: "Continue the unfinished run in the folder of --out, to the bytes of a run that never stopped.")
    var resume = false

    @Option(help: MemoryAllowance.help)
    var memory = MemoryAllowance.available

    @Argument(help: "Changes of the recipe: key.sub=value.")
    var overrides: [String] = []

    @OptionGroup var global: GlobalOptions

    var sharesWork: Bool { true }

    func validate() throws {
        try demandFolder(toResume: resume, out: out)
        if data == nil && !dryRun { throw ValidationError("--data is needed unless --dry-run is given.") }
        if let limit, limit < 1 { throw ValidationError("--limit \(limit): at least 1.") }
    }

    func run() throws {
        try runReporting(global) { session in
            var training = HeadTraining(task: task, recipe: recipe, data: data)
            training.overrides = overrides
            training.checkpoint = checkpoint
            training.imageList = imageList
            training.limit = limit
            if dryRun {
                let plan = try HeadTrainingPlan(training, seed: session.seed)
                try session.emit(plan.json, text: plan.text)
                return
            }
            training.out = out
            training.resumes = resume
            training.memory = memory
            training.commandLine = CommandLine.arguments
            let document = try training.run(session)
            try session.emit(document, text: document["checkpoint"]?.string.map { $0 + "\n" } ?? "")
        }
    }
}

extension HeadTask: ExpressibleByArgument {}
