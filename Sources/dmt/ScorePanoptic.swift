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

    @OptionGroup var common: ScoreOptions

    func run() throws {
        let (output, warnings) = try PanopticScoring.text(
            gt: .init(file: gt, folder: gtFolder), dt: .init(file: dt, folder: dtFolder), perClass: perClass,
            bootstrapDraws: common.bootstrap, seed: common.seed,
            input: common.input, asJSON: common.json)
        StandardError.warn(warnings)
        print(output, terminator: "")
    }
}
