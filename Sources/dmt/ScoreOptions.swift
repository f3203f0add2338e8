import ArgumentParser

/// What every `dmt score` verb takes besides its files.
struct ScoreOptions: ParsableArguments {
    @Option(help: "Draws of the bootstrap over images for standard errors and intervals; 0 for none.")
    var bootstrap = 0

    @Option(help: "Seed of the bootstrap.")
    var seed: UInt64 = 0

    @Option(help: "Threads; all cores unless given.")
    var threads: Int?

    @Flag(help: "Print one JSON document.")
    var json = false

    func validate() throws {
        guard bootstrap == 0 || bootstrap >= 100 else {
            throw ValidationError("--bootstrap \(bootstrap): 0, or at least 100 draws.")
        }
        if let threads, threads < 1 { throw ValidationError("--threads \(threads): at least 1.") }
    }
}
