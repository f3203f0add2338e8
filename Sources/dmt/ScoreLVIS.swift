import ArgumentParser
import EvaluationHarness

/// `dmt score lvis`: LVIS's federated average precision.
struct ScoreLVIS: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "lvis",
        abstract: "Federated average precision (AP, APr, APc, APf) from an LVIS truth file and a results file.",
        discussion: """
            An image is scored for the classes that it shows and those in its neg_category_ids. Of more than 300 \
            results of an image the best 300 over all classes count. Unmatched results of classes in \
            not_exhaustive_category_ids do not count.
            """)

    @Option(help: "Truth: an LVIS file.")
    var gt: String

    @Option(help: "Predictions: a COCO results file.")
    var dt: String

    @Option(help: "What is compared: segm, bbox or boundary.")
    var iouType = "segm"

    @Option(help: "Results an image, over all classes.")
    var maxDets = 300

    @Flag(help: "Add AP of every class.")
    var perClass = false

    @OptionGroup var common: ScoreOptions

    private func overlap() throws -> CocoScoring.Overlap {
        guard let overlap = CocoScoring.Overlap(rawValue: iouType), overlap != .keypoints else {
            throw ValidationError("--iou-type \(iouType): use segm, bbox or boundary.")
        }
        return overlap
    }

    func validate() throws {
        _ = try overlap()
        guard maxDets >= 1, maxDets <= Int(Int32.max) else {
            throw ValidationError("--max-dets \(maxDets): a whole number from 1.")
        }
    }

    func run() throws {
        var options = CocoScoring.Options()
        options.isFederated = true
        options.maxDetections = [maxDets]
        options.perClass = perClass
        options.input = common.input
        options.bootstrapDraws = common.bootstrap
        options.seed = common.seed
        let score = try CocoScoring.run(gt: gt, dt: dt, iouType: overlap(), options: options)
        if common.json {
            print(score.jsonText)
            return
        }
        StandardError.warn(score.warnings)
        for line in score.lines { print(line) }
    }
}
