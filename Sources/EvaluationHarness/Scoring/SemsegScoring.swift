import DenseMetrics
import Determinism
import Foundation
import ImageFiles
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
    }

    /// - Parameters:
    ///   - labelFolder: true label maps, `*.png`.
    ///   - predictionFolder: predictions, `*.png`, same names.
    ///   - classNames: names for the class table, in class order; may be empty.
    ///   - bootstrap: when given, metrics carry standard errors and intervals over images.
    ///   - listed: the file names of an image list; other label maps are then as if absent.
    /// - Throws: `DataError`: `.missing` for a missing folder, an empty one or a missing prediction; `.malformed` for a
    ///   colour file, another size, a value outside the coding, or a prediction without label map.
    public static func run(
        labels labelFolder: String, predictions predictionFolder: String, dataset: Dataset,
        classNames: [String] = [], bootstrap: Bootstrap? = nil, only listed: [String]? = nil
    ) throws(DataError) -> SemsegScore {
        let names = try pairedNames(labelFolder, predictionFolder, only: listed)
        let coding = dataset.coding
        var evaluation = SegmentationEvaluation(classCount: coding.classCount)
        // Pieces of a fixed size keep memory bounded and the order of images fixed at any thread count.
        let piece = 64
        for start in stride(from: 0, to: names.count, by: piece) {
            let part = Array(names[start..<min(start + piece, names.count)])
            for (name, result) in zip(part, counts(part, labelFolder, predictionFolder, coding)) {
                evaluation.add(try result.get(), image: name)
            }
        }
        return SemsegScore(
            coding: coding, classNames: classNames, evaluation: evaluation,
            metrics: evaluation.metrics(bootstrap: bootstrap), warnings: warnings(evaluation))
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

    /// What `dmt score semseg` prints.
    ///
    /// - Parameter bootstrapDraws: 0 for no intervals.
    public static func text(
        labels: String, predictions: String, dataset: Dataset, bootstrapDraws: Int, seed: UInt64, threads: Int?,
        asJSON: Bool
    ) throws(DataError) -> String {
        if let threads { Parallel.setThreadCount(threads) }
        let score = try run(
            labels: labels, predictions: predictions, dataset: dataset,
            bootstrap: bootstrapDraws > 0 ? Bootstrap(drawCount: bootstrapDraws, seed: seed) : nil)
        return asJSON ? score.json.text() + "\n" : TerminalRenderer().render(score.report)
    }

    /// Names that occur in both folders; every other case is an error.
    private static func pairedNames(
        _ labelFolder: String, _ predictionFolder: String, only listed: [String]?
    ) throws(DataError) -> [String] {
        var labels = try pngNames(labelFolder, "label maps")
        if let listed {
            let chosen = Set(listed)
            labels = labels.filter { chosen.contains($0) }
            guard labels.count == chosen.count else {
                throw DataError(
                    .missing, file: labelFolder, expected: "a label map for each of \(chosen.count) listed images",
                    found: "\(labels.count)", remedy: "check the image list")
            }
        }
        let predictions = try pngNames(predictionFolder, "predictions")
        let known = Set(predictions)
        let missing = labels.filter { !known.contains($0) }
        if let first = missing.first {
            throw DataError(
                .missing, file: path(predictionFolder, first),
                expected: "a prediction for each of \(labels.count) label maps",
                found: "\(missing.count) missing",
                remedy: "predict every image; a mean over fewer images would be another number")
        }
        let wanted = Set(labels)
        let extra = predictions.filter { !wanted.contains($0) }
        if let first = extra.first {
            throw DataError(
                .malformed, file: path(predictionFolder, first), expected: "a label map of the same name",
                found: "\(extra.count) predictions without one",
                remedy: "check that both folders belong to one split, or move the other files away")
        }
        return labels
    }

    private static func pngNames(_ folder: String, _ what: String) throws(DataError) -> [String] {
        let names = try Folder.entries(folder).filter { $0.lowercased().hasSuffix(".png") }
        guard !names.isEmpty else {
            throw DataError(
                .missing, file: folder, expected: "\(what) as PNG files", found: "none",
                remedy: "check the path and unpack the files directly into this folder")
        }
        return names
    }

    private static func counts(
        _ names: [String], _ labelFolder: String, _ predictionFolder: String, _ coding: LabelCoding
    ) -> [Result<SegmentationCounts, DataError>] {
        var results = [Result<SegmentationCounts, DataError>](
            repeating: .success(SegmentationCounts(classCount: 0)), count: names.count)
        results.withUnsafeMutableBufferPointer { out in
            nonisolated(unsafe) let out = out
            // Each worker of eight images makes its own counter: the tables are larger than a small image.
            Parallel.forEachRange(names.count, grain: 8) { range in
                var counter = SegmentationCounter(coding: coding)
                for i in range {
                    out[i] = Result { () throws(DataError) in
                        try counts(
                            label: path(labelFolder, names[i]), prediction: path(predictionFolder, names[i]), &counter)
                    }
                }
            }
        }
        return results
    }

    private static func counts(
        label labelPath: String, prediction predictionPath: String, _ counter: inout SegmentationCounter
    ) throws(DataError) -> SegmentationCounts {
        let label = try PictureFile.loadLabels(labelPath)
        let prediction = try PictureFile.loadLabels(predictionPath)
        guard label.height == prediction.height, label.width == prediction.width else {
            throw DataError(
                .malformed, file: predictionPath,
                expected: "the size of its label map, \(label.height) rows of \(label.width)",
                found: "\(prediction.height) rows of \(prediction.width)",
                remedy: "write predictions at the size of the label map (nearest neighbour)")
        }
        do {
            return try counter.counts(prediction: prediction.values, label: label.values)
        } catch {
            throw DataError(
                .malformed, file: error.map == .label ? labelPath : predictionPath,
                expected: error.coding.valuesDescription, found: "value \(error.value)",
                remedy: "check the number of classes, the ignore label and whether zero stands for no class")
        }
    }

    private static func warnings(_ evaluation: SegmentationEvaluation) -> [RunWarning] {
        var warnings: [RunWarning] = []
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

    private static func path(_ folder: String, _ name: String) -> String {
        folder.hasSuffix("/") ? folder + name : "\(folder)/\(name)"
    }
}
