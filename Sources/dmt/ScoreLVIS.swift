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

    @Option(help: "Draws of the bootstrap over images for standard errors and intervals; 0 for none.")
    var bootstrap = 0

    @Option(help: "Seed of the bootstrap.")
    var seed: UInt64 = 0

    @Flag(help: "Print one JSON document.")
    var json = false

    @Option(help: "Threads (all cores).")
    var threads: Int?

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
        guard bootstrap == 0 || bootstrap >= 100 else {
            throw ValidationError("--bootstrap \(bootstrap): 0, or at least 100 draws.")
        }
        if let threads, threads < 1 { throw ValidationError("--threads \(threads): use 1 or more.") }
    }

    func run() throws {
        var options = CocoScoring.Options()
        options.isFederated = true
        options.maxDetections = [maxDets]
        options.perClass = perClass
        options.threads = threads
        options.bootstrapDraws = bootstrap
        options.seed = seed
        let score = try CocoScoring.run(gt: gt, dt: dt, iouType: overlap(), options: options)
        if json {
            print(score.jsonText)
            return
        }
        StandardError.warn(score.warnings)
        for line in score.lines { print(line) }
    }
}
