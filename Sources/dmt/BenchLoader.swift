import ArgumentParser
import EvaluationHarness

/// `dmt bench loader`
struct BenchLoader: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "loader", abstract: "Time decoding, resizing and normalising of JPEG files.",
        discussion: """
            Files are read into memory first. The short side of each picture becomes size * 256 / 224 pixels, the middle \
            square is kept and normalised to f32. images_per_second is the number of pictures over the median pass, after \
            one that is not timed; shares are those of one thread.
            """)

    @Option(help: "Folder of JPEG files; drawn scenes of 375 x 500 pixels unless given.")
    var pictures: String?

    @Option(help: "Pixels a side of the result.")
    var size = 224

    @Option(help: "bilinear-antialiased, bicubic-antialiased or bilinear.")
    var filter = "bilinear-antialiased"

    @Flag(help: "Decode at a half, a quarter or an eighth where that is large enough: not exact.")
    var scaled = false

    @Option(help: "Timed passes over all pictures.")
    var passes = 5

    @OptionGroup var global: GlobalOptions

    func validate() throws {
        let problems = [
            NamedChoice.complaint(filter, among: LoaderBenchmark.filterNames, option: "--filter"),
            (8...4096).contains(size) ? nil : "--size \(size): 8 to 4096.",
            (1...1_000_000).contains(passes) ? nil : "--passes \(passes): 1 to 1000000.",
        ]
        if let problem = problems.compactMap({ $0 }).first { throw ValidationError(problem) }
    }

    func run() throws {
        try runReporting(global) { session in
            let benchmark = try LoaderBenchmark(
                folder: pictures, size: size, filterName: filter, isScaled: scaled, passes: passes, seed: session.seed)
            let progress = session.progress("bench", total: passes + 1, unit: "round")
            let timing = try benchmark.run { progress.advance() }
            progress.finish()
            try session.emit(timing.json, text: timing.text)
        }
    }
}
