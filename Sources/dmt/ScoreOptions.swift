import ArgumentParser
import EvaluationHarness

/// What every `dmt score` verb takes besides its files.
struct ScoreOptions: ParsableArguments {
    @Option(help: "Draws of the bootstrap over images for standard errors and intervals; 0 for none.")
    var bootstrap = 0

    @Option(help: "Seed of the bootstrap.")
    var seed: UInt64 = 0

    @Option(help: "Threads; all cores unless given.")
    var threads: Int?

    @Option(help: "Pixels that a picture may have; 178956970 unless given.")
    var maxPixels: Int?

    @Flag(help: "Accept symbolic links in folders of pictures and label maps.")
    var allowSymlinks = false

    @Flag(help: "Print one JSON document.")
    var json = false

    func validate() throws {
        guard bootstrap == 0 || bootstrap >= 100 else {
            throw ValidationError("--bootstrap \(bootstrap): 0, or at least 100 draws.")
        }
        if let threads, threads < 1 { throw ValidationError("--threads \(threads): at least 1.") }
        if let maxPixels, maxPixels < 1 { throw ValidationError("--max-pixels \(maxPixels): at least 1.") }
    }

    var input: ScoringInput {
        var input = ScoringInput()
        (input.allowsLinks, input.maxPixels, input.threads) = (allowSymlinks, maxPixels, threads)
        return input
    }
}
