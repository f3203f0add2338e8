import ArgumentParser
import EvaluationHarness

extension InspectCommand {
    /// `dmt inspect predictions`
    struct Predictions: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "predictions",
            abstract: "Pictures, curves and matrices of a run, or of predictions and their truth.",
            discussion: """
                Give a run folder of dmt eval (or of a training, for its curves); or --predictions with --task and --data; \
                or a COCO truth and results file: --gt, --dt and --images. Writes one page, index.html, with every chart \
                beside it as SVG and CSV and the worst and best pictures as PNG.
                """)

        @Argument(help: "A run folder.")
        var folder: String?

        @Option(help: "Predictions: a COCO results file, a folder of label maps, or a list of classes (.tsv).")
        var predictions: String?

        @Option(help: "What the predictions are: segment, detect or classify.")
        var task: EvaluationTask?

        @Option(help: "A dataset.yaml, or the folder it lies in; where the run found its data unless given.")
        var data: String?

        @Option(help: "Split of the data set, with --predictions.")
        var split = "val"

        @Option(help: "File with one picture name a line, where predictions are of these alone.")
        var imageList: String?

        @Option(help: "Truth: a COCO instances file.")
        var gt: String?

        @Option(help: "Predictions: a COCO results file.")
        var dt: String?

        @Option(help: "Folder of the pictures, with --gt.")
        var images: String?

        @Option(help: "What detections are compared by: bbox or segm.")
        var iouType = "bbox"

        @Option(help: "Overlap from which a detection is right.")
        var iou = 0.5

        @Option(
            help:
                "Score from which detections count in pictures and confusion; where the mean F1 is greatest unless given."
        )
        var score: Double?

        @Option(help: "Pictures of the lowest score of their own.")
        var worst = 8

        @Option(help: "Pictures of the highest score of their own.")
        var best = 4

        @Option(help: "Long side of the pictures in pixels.")
        var pictureSize = 480

        @Option(help: "Draws of the bootstrap for the error bars of segmentation classes; 0 for none.")
        var bootstrap = 1000

        @Option(help: "Folder to write to.")
        var out: String

        @OptionGroup var global: GlobalOptions

        func validate() throws {
            _ = try subject()
            guard ["bbox", "segm"].contains(iouType) else {
                throw ValidationError("--iou-type \(iouType): use bbox or segm.")
            }
            guard iou > 0, iou <= 1 else { throw ValidationError("--iou \(iou): above 0, at most 1.") }
            if let score, !score.isFinite { throw ValidationError("--score \(score): a number.") }
            guard (0...200).contains(worst), (0...200).contains(best) else {
                throw ValidationError("--worst \(worst), --best \(best): 0 to 200.")
            }
            guard (64...2048).contains(pictureSize) else {
                throw ValidationError("--picture-size \(pictureSize): 64 to 2048.")
            }
            guard bootstrap == 0 || (100...100_000).contains(bootstrap) else {
                throw ValidationError("--bootstrap \(bootstrap): 0, or 100 to 100000.")
            }
        }

        private func subject() throws -> PredictionInspection.Subject {
            let isCoco = gt != nil || dt != nil || images != nil
            guard [folder != nil, predictions != nil, isCoco].count(where: { $0 }) == 1 else {
                throw ValidationError("Give a run folder, or --predictions, or --gt with --dt and --images.")
            }
            if let folder { return .run(folder) }
            if let predictions {
                guard let task, data != nil else {
                    throw ValidationError("--predictions needs --task and --data.")
                }
                return .predictions(predictions, task: task)
            }
            guard let gt, let dt, let images else {
                throw ValidationError("--gt, --dt and --images belong together.")
            }
            return .coco(truth: gt, results: dt, images: images)
        }

        func run() throws {
            try runReporting(global) { session in
                var inspection = PredictionInspection(subject: try subject(), out: out)
                inspection.data = data
                inspection.split = split
                inspection.imageList = imageList
                inspection.overlap = PredictionInspection.Overlap(rawValue: iouType)!
                inspection.iou = iou
                inspection.score = score
                inspection.worst = worst
                inspection.best = best
                inspection.side = pictureSize
                inspection.bootstrapDraws = bootstrap
                let document = try inspection.run(session)
                try session.emit(document, text: PredictionInspection.text(of: document))
            }
        }
    }
}
