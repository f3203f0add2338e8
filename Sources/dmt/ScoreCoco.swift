import ArgumentParser
import EvaluationHarness

/// `dmt score coco`: COCO numbers from a truth file and a results file, no model needed.
struct ScoreCoco: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "coco", abstract: "Average precision and recall from a COCO truth file and a results file.")

    @Option(help: "Truth: a COCO instances or keypoints file, or a folder of YOLO text files (with --images).")
    var gt: String

    @Option(help: "Predictions: a COCO results file, or a folder of YOLO text files with scores (with --images).")
    var dt: String

    @Option(help: "Folder of the pictures that YOLO text files belong to; text files have their names.")
    var images: String?

    @Option(help: "File with the names of YOLO's classes, one a line.")
    var names: String?

    @Option(help: "What is compared: bbox, segm, keypoints or boundary.")
    var iouType = "bbox"

    @Option(help: "Detections an image and class, comma-separated (1,10,100; keypoints: 20).")
    var maxDets: String?

    @Option(
        help:
            "Area ranges in square pixels, comma-separated name=low:high (all, small, medium, large enter the numbers)."
    )
    var areaRanges: String?

    @Option(help: "Keypoint sigmas, comma-separated (COCO's 17 person points).")
    var sigmas: String?

    @Option(help: "boundary: width of the compared band as a share of the picture's diagonal (0.02).")
    var dilationRatio: Double?

    @Flag(help: "Add the numbers of every class.")
    var perClass = false

    @Flag(help: "Add how much AP each kind of error costs (TIDE); for boxes and masks.")
    var tide = false

    @Flag(help: "Add which classes are taken for which.")
    var confusion = false

    @Option(help: "Lowest score in the confusion matrix.")
    var confusionScore = 0.25

    @Option(help: "Write precision over recall of every class to this JSON file.")
    var prCurves: String?

    @Option(help: "Second results file: differences with paired intervals (1000 draws unless --bootstrap says).")
    var minus: String?

    @Option(
        help: "Write everything to this folder: score.json, summary.txt, per_class.csv, pr_curves.json, confusion.csv.")
    var out: String?

    @OptionGroup var common: ScoreOptions

    /// What `run` needs, parsed; usage errors are found here.
    private func parsed() throws -> (CocoScoring.Overlap, CocoScoring.Options) {
        guard let overlap = CocoScoring.Overlap(rawValue: iouType) else {
            throw ValidationError("--iou-type \(iouType): use bbox, segm, keypoints or boundary.")
        }
        var options = CocoScoring.Options()
        options.perClass = perClass || out != nil
        options.tide = tide
        options.confusion = confusion || out != nil
        options.confusionScore = confusionScore
        options.prCurves = prCurves != nil || out != nil
        options.other = minus
        options.input = common.input
        options.bootstrapDraws = minus != nil && common.bootstrap == 0 ? 1000 : common.bootstrap
        if tide, overlap != .box, overlap != .mask {
            throw ValidationError("--tide: with --iou-type bbox or segm.")
        }
        options.boundaryRatio = dilationRatio
        if let ratio = dilationRatio, !(ratio > 0 && ratio <= 1) || overlap != .boundary {
            throw ValidationError("--dilation-ratio \(ratio): from 0 to 1, with --iou-type boundary.")
        }
        options.seed = common.seed
        options.maxDetections = try maxDets.map { text in
            try text.split(separator: ",", omittingEmptySubsequences: false).map { part in
                guard let limit = Int(part), limit >= 1, limit <= Int(Int32.max) else {
                    throw ValidationError("--max-dets \(text): use whole numbers from 1, such as 1,10,100.")
                }
                return limit
            }
        }
        if overlap != .keypoints, let limits = options.maxDetections, limits.count < 3 {
            throw ValidationError(
                "--max-dets \(maxDets ?? ""): COCO's twelve numbers need three limits, such as 1,10,100.")
        }
        options.areaRanges = try areaRanges.map { try ScoreCoco.ranges($0) }
        options.sigmas = try sigmas.map { text in
            try text.split(separator: ",", omittingEmptySubsequences: false).map { part in
                guard let sigma = Double(part), sigma > 0, sigma.isFinite else {
                    throw ValidationError("--sigmas \(text): use positive numbers, one a keypoint.")
                }
                return sigma
            }
        }
        return (overlap, options)
    }

    private static func ranges(_ text: String) throws -> [CocoScoring.AreaRange] {
        try text.split(separator: ",", omittingEmptySubsequences: false).map { part in
            let sides = part.split(separator: "=", omittingEmptySubsequences: false)
            let bounds = (sides.last ?? "").split(separator: ":", omittingEmptySubsequences: false)
            guard sides.count == 2, !sides[0].isEmpty, bounds.count == 2, let low = Double(bounds[0]),
                let high = Double(bounds[1]), low <= high
            else {
                throw ValidationError("--area-ranges \(text): use name=low:high, such as small=0:1024.")
            }
            return CocoScoring.AreaRange(name: String(sides[0]), low: low, high: high)
        }
    }

    func validate() throws {
        _ = try parsed()
    }

    func run() throws {
        var (overlap, options) = try parsed()
        options.pictures = images
        if let names { options.classNames = try CocoScoring.classNames(names) }
        let score = try CocoScoring.run(gt: gt, dt: dt, iouType: overlap, options: options)
        let written = try score.write(folder: out, curves: prCurves)
        if common.json {
            print(score.jsonText)
            return
        }
        StandardError.warn(score.warnings)
        for line in score.lines { print(line) }
        for path in written { print(path) }
    }
}
