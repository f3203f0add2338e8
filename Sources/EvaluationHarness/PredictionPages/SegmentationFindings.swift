import DenseData
import DenseMetrics
import Reporting
import SafeFiles

/// What a page about label maps is made of.
struct SegmentationFindings {
    let dataset: SegmentationFolder
    /// A folder of predictions, coded like the labels.
    let predictions: String
    /// With a confusion matrix.
    let score: SemsegScore

    /// - Throws: `DataError`, as `SemsegScoring.run`.
    init(
        _ dataset: SegmentationFolder, labels: String, predictions: String, bootstrap: Bootstrap? = nil
    ) throws {
        self.dataset = dataset
        self.predictions = predictions
        let coding = try LabelCoding(
            classCount: dataset.info.classes.count, ignoreLabel: dataset.info.ignoreLabel.map(Int.init),
            reducesZeroLabel: dataset.reducesZeroLabel)
        let names = (0..<dataset.count).map { SegmentationInference.fileName(dataset.name(at: $0)) }
        score = try SemsegScoring.run(
            labels: labels, predictions: predictions, dataset: .classes(coding), classNames: dataset.info.classes,
            bootstrap: bootstrap, only: names, countsConfusion: true, allowsLinks: dataset.allowsLinks)
    }

    /// Errors of each class's IoU by a bootstrap over images; nil where too few draws define it.
    func errors(_ bootstrap: Bootstrap) -> [SampledError?] {
        let evaluation = score.evaluation
        let classCount = evaluation.classCount
        let found = bootstrap.estimates(itemCount: evaluation.images.count) { weights in
            let counts = evaluation.total(weights: weights)
            return (0..<classCount).map { SegmentationScores.iou(counts, $0) }
        }
        return found.isEmpty ? [SampledError?](repeating: nil, count: classCount) : found
    }
}
