import ArgumentParser
import EvaluationHarness

/// `dmt score panoptic`
struct ScorePanoptic: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "panoptic",
        abstract: "Panoptic quality (PQ, SQ, RQ) from COCO panoptic JSON files and their folders of PNGs.")

    @Option(help: "Truth: a COCO panoptic file.")
    var gt: String

    @Option(help: "Predictions: a COCO panoptic results file.")
    var dt: String

    @Option(help: "Folder of the truth's PNGs; the truth's path without .json unless given.")
    var gtFolder: String?

    @Option(help: "Folder of the predictions' PNGs; the predictions' path without .json unless given.")
    var dtFolder: String?

    @Flag(help: "Add one line a class.")
    var perClass = false

    @Option(help: "Draws of the bootstrap over images for standard errors and intervals; 0 for none.")
    var bootstrap = 0

    @Option(help: "Seed of the bootstrap.")
    var seed: UInt64 = 0

    @Flag(help: "Print one JSON document.")
    var json = false

    @Option(help: "Threads; all cores unless given.")
    var threads: Int?

    func validate() throws {
        guard bootstrap == 0 || bootstrap >= 100 else {
            throw ValidationError("--bootstrap \(bootstrap): 0, or at least 100 draws.")
        }
        if let threads, threads < 1 { throw ValidationError("--threads \(threads): at least 1.") }
    }

    func run() throws {
        let (output, warnings) = try PanopticScoring.text(
            gt: .init(file: gt, folder: gtFolder), dt: .init(file: dt, folder: dtFolder), perClass: perClass,
            bootstrapDraws: bootstrap, seed: seed, threads: threads, asJSON: json)
        StandardError.warn(warnings)
        print(output, terminator: "")
    }
}
