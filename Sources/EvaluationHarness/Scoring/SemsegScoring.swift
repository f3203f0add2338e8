import Annotations
import DenseMetrics
import Determinism
import Foundation
import Reporting
import SafeFiles

/// Scores a folder of predicted label maps against a folder of true ones. Needs no model.
///
/// Both folders hold label PNGs with equal names and sizes, coded alike. Every label map must have its prediction and
/// every prediction its label map: an average over fewer images is refused, never reported.
public enum SemsegScoring {
    /// Which classes the files hold.
    public enum Dataset: Sendable, Equatable {
        /// 150 classes, values 1...150, 0 not scored.
        case ade20k
        /// Any other coding.
        case classes(LabelCoding)

        public var coding: LabelCoding {
            switch self {
            case .ade20k: .ade20k
            case .classes(let coding): coding
            }
        }

        var classNames: [String] { self == .ade20k ? ADE20KClasses.names : [] }
    }

    /// - Parameters:
    ///   - labelFolder: true label maps, `*.png`.
    ///   - predictionFolder: predictions, `*.png`, same names.
    ///   - classNames: names for the class table, in class order; the data set's own where empty.
    ///   - bootstrap: when given, metrics carry standard errors and intervals over images.
    ///   - listed: the file names of an image list; other label maps are then as if absent.
    ///   - countsConfusion: whether the confusion matrix is wanted.
    ///   - countsBoundaries: whether `mIoU_boundary` is wanted.
    ///   - labelSize: the short side that larger maps are brought to before they are counted; their own unless given.
    ///   - allowsLinks: whether label maps and predictions may be symbolic links.
    /// - Throws: `DataError`: `.missing` for a missing folder, an empty one or a missing prediction; `.malformed` for a
    ///   colour file, another size, a value outside the coding, or a prediction without label map.
    public static func run(
        labels labelFolder: String, predictions predictionFolder: String, dataset: Dataset,
        classNames: [String] = [], bootstrap: Bootstrap? = nil, only listed: [String]? = nil,
        countsConfusion: Bool = false, countsBoundaries: Bool = false, labelSize: Int? = nil, allowsLinks: Bool = false
    ) throws(DataError) -> SemsegScore {
        let folders = try SemsegFolders(
            labels: labelFolder, predictions: predictionFolder, coding: dataset.coding, labelSize: labelSize,
            allowsLinks: allowsLinks)
        let (evaluation, boundary, confusion) = try folders.evaluate(
            only: listed, countsConfusion: countsConfusion, countsBoundaries: countsBoundaries)
        var metrics = evaluation.metrics(bootstrap: bootstrap)
        if let boundary { metrics.append(boundary.metric(.mIoU, named: "mIoU_boundary", bootstrap: bootstrap)) }
        return SemsegScore(
            coding: dataset.coding, classNames: classNames.isEmpty ? dataset.classNames : classNames,
            evaluation: evaluation, metrics: metrics, warnings: warnings(evaluation, labelSize),
            confusion: confusion)
    }

    /// What `dmt score semseg` is asked for besides its two folders.
    public struct Options: Sendable {
        /// 0 for no intervals.
        public var bootstrapDraws = 0
        public var seed: UInt64 = 0
        public var input = ScoringInput()
        /// A file with one class name a line.
        public var namesFile: String?
        public var countsConfusion = false
        public var countsBoundaries = false
        /// The short side that larger maps are brought to before they are counted.
        public var labelSize: Int?
        /// A second folder of predictions, to be compared with the first.
        public var minus: String?
        /// Images in the list of the worst.
        public var worstCount = 10

        public init() {}
    }

    /// - Throws: `DataError` also for a list of names that is not one a class.
    public static func run(
        labels: String, predictions: String, dataset: Dataset, options: Options
    ) throws(DataError) -> SemsegScore {
        options.input.apply()
        let names = try options.namesFile.map { (file) throws(DataError) in try classNames(file, dataset.coding) } ?? []
        let bootstrap =
            options.bootstrapDraws > 0 ? Bootstrap(drawCount: options.bootstrapDraws, seed: options.seed) : nil
        var score = try run(
            labels: labels, predictions: predictions, dataset: dataset, classNames: names, bootstrap: bootstrap,
            countsConfusion: options.countsConfusion, countsBoundaries: options.countsBoundaries,
            labelSize: options.labelSize, allowsLinks: options.input.allowsLinks)
        score.worstCount = options.worstCount
        if let minus = options.minus {
            let other = try run(
                labels: labels, predictions: minus, dataset: dataset, classNames: names, labelSize: options.labelSize,
                allowsLinks: options.input.allowsLinks)
            score.comparison = SemsegScore.Comparison(
                score, other, folder: minus, bootstrap: bootstrap ?? Bootstrap(drawCount: 1000, seed: options.seed))
        }
        return score
    }

    private static func classNames(_ path: String, _ coding: LabelCoding) throws(DataError) -> [String] {
        let names = try CocoScoring.classNames(path).map { $0.trimmingCharacters(in: .whitespaces) }
        guard names.count == coding.classCount else {
            throw DataError(
                .malformed, file: path, expected: "\(coding.classCount) class names, one a line",
                found: "\(names.count)", remedy: "give every class a line, in the order of their values")
        }
        return names
    }

    /// A coding from the words of the command line.
    ///
    /// - Throws: `LabelCodingError`, for instance for an ignore label that is a class.
    public static func dataset(
        classCount: Int, ignoreLabel: Int?, reducesZeroLabel: Bool
    ) throws(LabelCodingError) -> Dataset {
        .classes(
            try LabelCoding(classCount: classCount, ignoreLabel: ignoreLabel, reducesZeroLabel: reducesZeroLabel))
    }

    private static func warnings(_ evaluation: SegmentationEvaluation, _ labelSize: Int?) -> [RunWarning] {
        var warnings =
            labelSize.map { side in
                [
                    RunWarning(
                        code: "label_size",
                        message: "counted at a short side of at most \(side): not comparable with the labels' own size")
                ]
            } ?? []
        let total = evaluation.total()
        let scored = total.labelled.reduce(0, +)
        if total.unclassified > 0 {
            warnings.append(
                RunWarning(
                    code: "unclassified_predictions",
                    message:
                        "\(total.unclassified) of \(scored) scored pixels are predicted as no class; they cost recall"))
        }
        let unscored = evaluation.images.indices.count { evaluation.counts(at: $0).labelled.allSatisfy { $0 == 0 } }
        if unscored > 0 {
            warnings.append(
                RunWarning(code: "images_without_labels", message: "\(unscored) images have no scored pixel"))
        }
        if evaluation.images.count < 100 {
            warnings.append(
                RunWarning(
                    code: "few_images",
                    message: "\(evaluation.images.count) images: rare classes swing the mean; give an interval"))
        }
        return warnings
    }
}
