import ArgumentParser
import EvaluationHarness

/// `dmt bench`
struct BenchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench",
        abstract: "Time the engine on this machine; measure how intervals and gates decide.",
        subcommands: [Model.self, Op.self, BenchLoader.self, BenchIntervals.self, Gate.self],
        defaultSubcommand: Model.self)

    /// `dmt bench model`
    struct Model: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "model",
            abstract: "Time steps of a ViT, alone or under a head, with random weights on random pictures.",
            discussion: """
                Two warm-up steps, then the timed ones; images_per_second is the batch over their median. gflops \
                counts matrix products, two operations a multiply-add, a training step as three forward passes; under \
                --head mask-rcnn and upernet the products of one step. Detectors see 10 objects of 80 classes a picture, \
                decoders 150 classes. \
                peak_gflops is a loop of f32 multiply-adds in registers, times the threads.
                """)

        @Option(help: "vit-tiny, vit-small or vit-base; of the student where --pass is distill.")
        var arch = "vit-base"

        @Option(help: "classifier, mask-rcnn or upernet.")
        var head = "classifier"

        @Option(help: "forward, train, distill (from three frozen ViT-B) or distill-cached (from their stored tokens).")
        var pass = "forward"

        @Option(help: "Of the products of linear layers and convolutions: f32 or bf16.")
        var precision = "f32"

        @Option(help: "Pictures a step.")
        var batch = 8

        @Option(help: "Pixels a side.")
        var image = 224

        @Option(help: "Blocks of which training keeps only the input, from the first on.")
        var checkpointBlocks = 0

        @Option(help: "Timed steps.")
        var steps = 10

        @OptionGroup var global: GlobalOptions

        func validate() throws {
            let problems = [
                NamedChoice.complaint(arch, among: ModelBenchmark.Architectures.names, option: "--arch"),
                NamedChoice.complaint(
                    head, among: ModelBenchmark.Head.allCases.map(\.rawValue), option: "--head"),
                NamedChoice.complaint(
                    pass, among: ModelBenchmark.Pass.allCases.map(\.rawValue), option: "--pass"),
                NamedChoice.complaint(
                    precision, among: ProductPrecision.allCases.map(\.rawValue), option: "--precision"),
                (1...65536).contains(batch) ? nil : "--batch \(batch): 1 to 65536.",
                (0...1000).contains(checkpointBlocks) ? nil : "--checkpoint-blocks \(checkpointBlocks): 0 to 1000.",
                (1...1_000_000).contains(steps) ? nil : "--steps \(steps): 1 to 1000000.",
                (16...4096).contains(image) && image % 16 == 0 ? nil : "--image \(image): a multiple of 16 up to 4096.",
            ]
            if let problem = problems.compactMap({ $0 }).first { throw ValidationError(problem) }
        }

        func run() throws {
            try runReporting(global) { session in
                var benchmark = try ModelBenchmark(
                    ModelBenchmark.Architectures.named(arch)!, head: ModelBenchmark.Head(rawValue: head)!,
                    pass: ModelBenchmark.Pass(rawValue: pass)!,
                    precision: ProductPrecision(rawValue: precision)!, batchSize: batch, imageSize: image,
                    steps: steps, seed: session.seed)
                benchmark.checkpointedBlocks = checkpointBlocks
                let progress = session.progress(
                    "bench", total: steps + ModelBenchmark.warmupSteps, unit: "step")
                let timing = try benchmark.run { progress.advance() }
                progress.finish()
                try session.emit(timing.json, text: timing.text)
            }
        }
    }
}
