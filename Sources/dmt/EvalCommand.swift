import ArgumentParser
import EvaluationHarness

/// `dmt eval`
struct EvalCommand: ParsableCommand, SharesWork {
    static let configuration = CommandConfiguration(
        commandName: "eval",
        abstract: "Evaluate a checkpoint, or predictions, on a task.",
        discussion: """
            TASK is segment, detect, classify, knn, dense-knn or linear. Predictions are written first, then scored from the \
            files; the run folder holds both, a complete record (run.json) and reports. With --sweep each point is a run of its \
            own, and their folder holds a table and a plot.
            """)

    @Argument(help: "segment, detect, classify, knn, dense-knn or linear.")
    var task: EvaluationTask

    @Option(help: "A model (segment, detect, classify) or a backbone (knn, dense-knn, linear).")
    var checkpoint: String?

    @Option(
        help:
            "Code base that wrote the backbone's checkpoint (probes): \(FeatureInspection.Source.allCases.map(\.rawValue).joined(separator: ", "))."
    )
    var source: FeatureInspection.Source?

    @Option(help: "A dataset.yaml, or the folder it lies in.")
    var data: String

    @Option(help: "Split to evaluate on.")
    var split = "val"

    @Option(help: "File with one picture name a line: evaluate on these alone; the record says so.")
    var imageList: String?

    @Flag(help: "Write predictions and stop.")
    var predictOnly = false

    @Option(help: "Score these predictions; no model runs.")
    var fromPredictions: String?

    @Option(help: "Run folder; runs/<time>-<hash>-<name> unless given.")
    var out: String?

    @Option(help: "The row of a table this run belongs to.")
    var arm: String?

    @Option(help: "Short side (segment) or side (other tasks) in pixels; the checkpoint's own unless given.")
    var size: Int?

    @Option(
        help: """
            Short side that label maps and predictions are brought to before they are counted (segment, linear, dense-knn); \
            their own unless given.
            """)
    var labelSize: Int?

    @Option(help: "Side of the windows that segment cuts pictures into; whole pictures unless given.")
    var window: Int?

    @Option(help: "Pixels from one window to the next; two thirds of the window unless given.")
    var stride: Int?

    @Option(help: "Sizes of each picture that segment averages over, as multiples of its short side: 0.75,1,1.25.")
    var scales: String?

    @Flag(help: "segment sees each picture mirrored too.")
    var flip = false

    @Flag(help: "segment resizes probabilities to the picture's size instead of logits.")
    var softmaxBeforeResize = false

    @Option(help: "Draws of the bootstrap over images; 0 for none.")
    var bootstrap = 1000

    @Option(
        name: .customLong("sweep"),
        help: """
            Evaluate once for each value of an option: size=224,448 means --size 224, then --size 448; size alone takes 0.5 to \
            2 times the checkpoint's own. + stands for a comma in a value. Given twice: every pair of values.
            """)
    var sweeps: [String] = []

    @Flag(
        help: """
            Continue the unfinished evaluation in the folder of --out, or begin it; of a --sweep, keep the points that are done \
            and go on with the others.
            """)
    var resume = false

    @Flag(help: "No charts and pictures of the predictions in the report and below plots.")
    var noPlots = false

    @OptionGroup(title: "Frozen probes (linear, dense-knn, knn)") var probe: ProbeArguments

    @OptionGroup var global: GlobalOptions

    var sharesWork: Bool { task.sharesWork && fromPredictions == nil && sweeps.isEmpty }

    func validate() throws {
        if (checkpoint == nil) == (fromPredictions == nil) {
            throw ValidationError("Give --checkpoint FILE or --from-predictions PATH.")
        }
        if resume && out == nil { throw ValidationError("--resume needs --out FOLDER: the evaluation to continue.") }
        if predictOnly && !sweeps.isEmpty { throw ValidationError("--predict-only and --sweep exclude each other.") }
        if predictOnly && fromPredictions != nil {
            throw ValidationError("--predict-only and --from-predictions exclude each other.")
        }
        _ = try probe.options()
        if bootstrap != 0 && bootstrap < 100 { throw ValidationError("--bootstrap \(bootstrap): 0, or at least 100.") }
        guard task == .segment || (window == nil && scales == nil && !flip && !softmaxBeforeResize) else {
            throw ValidationError("--window, --scales, --flip and --softmax-before-resize are for segment.")
        }
        _ = try augmentation()
        if let window, !(8...8192).contains(window) { throw ValidationError("--window \(window): 8 to 8192.") }
        if let stride {
            guard let window, (1...window).contains(stride) else {
                throw ValidationError("--stride \(stride): with --window, from 1 to its side.")
            }
        }
        if let labelSize, !(1...65_536).contains(labelSize) {
            throw ValidationError("--label-size \(labelSize): 1 to 65536.")
        }
        if let size, !(8...8192).contains(size) { throw ValidationError("--size \(size): 8 to 8192.") }
    }

    /// Nil unless an option asks for one.
    private func augmentation() throws -> SegmentationAugmentation? {
        if scales == nil && !flip && !softmaxBeforeResize { return nil }
        let sizes = try (scales ?? "1").split(separator: ",", omittingEmptySubsequences: false).map { text in
            guard let scale = Double(text), scale >= 0.1, scale <= 10 else {
                throw ValidationError("--scales \(scales ?? ""): numbers from 0.1 to 10, such as 0.75,1,1.25.")
            }
            return scale
        }
        return SegmentationAugmentation(scales: sizes, flips: flip, softmaxBeforeResize: softmaxBeforeResize)
    }

    func run() throws {
        try runReporting(global) { session in
            if !sweeps.isEmpty {
                let report = try sweep(of: CommandLine.arguments).run(session)
                try session.emit(report.json, text: report.text)
                return
            }
            let evaluation = try evaluation()
            let document = try evaluation.run(session)
            try session.emit(document, text: HeadEvaluation.text(of: document))
        }
    }

    func evaluation() throws -> HeadEvaluation {
        var evaluation = HeadEvaluation(task: task, data: data)
        evaluation.checkpoint = checkpoint
        evaluation.source = source
        evaluation.split = split
        evaluation.imageList = imageList
        evaluation.predictsOnly = predictOnly
        evaluation.predictions = fromPredictions
        evaluation.out = out
        evaluation.resumes = resume
        evaluation.arm = arm
        evaluation.size = size
        evaluation.labelSize = labelSize
        evaluation.augmentation = try augmentation()
        if let window { evaluation.windows(of: window, stride: stride ?? max(1, window * 2 / 3)) }
        evaluation.trainSplit = probe.trainSplit
        evaluation.probe = try probe.options()
        evaluation.bootstrapDraws = bootstrap
        evaluation.makesPlots = !noPlots
        evaluation.commandLine = CommandLine.arguments
        return evaluation
    }
}

extension EvaluationTask: ExpressibleByArgument {}
