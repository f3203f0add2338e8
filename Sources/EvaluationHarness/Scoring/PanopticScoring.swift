import Annotations
import DenseMetrics
import Determinism
import Foundation
import ImageFiles
import Reporting
import SafeFiles

/// Scores panoptic predictions against panoptic truth: a JSON file and a folder of PNGs each. Needs no model.
public enum PanopticScoring {
    /// One side: its JSON file, and its folder of PNGs (the file's path without `.json` unless given).
    public struct Side: Sendable {
        public var file: String
        public var folder: String

        public init(file: String, folder: String? = nil) {
            self.file = file
            self.folder = folder ?? (file.hasSuffix(".json") ? String(file.dropLast(5)) : file)
        }
    }

    /// Every picture of the truth must have its prediction: a mean over fewer is refused, never reported.
    ///
    /// - Throws: `DataError`: `.missing` for a missing file, folder, PNG or prediction; `.malformed` for a PNG of another
    ///   size and for segments that map and list disagree on.
    public static func run(
        gt: Side, dt: Side, bootstrap: Bootstrap? = nil, allowsLinks: Bool = false
    ) throws -> PanopticScore {
        let truth = try PanopticDataset.load(gt.file, isTruth: true)
        let predictions = try PanopticDataset.load(dt.file, isTruth: false)
        let pairs = try paired(truth, predictions, dt.file)
        let roots = (
            gt: try RootedPath(root: gt.folder, allowsLinks: allowsLinks),
            dt: try RootedPath(root: dt.folder, allowsLinks: allowsLinks)
        )
        let matcher = PanopticMatcher(categories: truth.categories)
        var results = [Result<PanopticImageCounts, any Error>](
            repeating: .success(PanopticImageCounts()), count: pairs.count)
        results.withUnsafeMutableBufferPointer { out in
            nonisolated(unsafe) let out = out
            Parallel.forEach(pairs.count) { index in
                out[index] = Result { try counts(pairs[index], roots, gt.file, dt.file, matcher) }
            }
        }
        var evaluation = PanopticEvaluation(categories: matcher.categories)
        for (pair, result) in zip(pairs, results) { evaluation.add(try result.get(), imageID: pair.truth.imageID) }
        var warnings = evaluation.warnings.map(\.description)
        let extra = predictions.images.count - pairs.count
        if extra > 0 { warnings.append("predictions-left-out: \(extra) prediction(s) name no image of the truth") }
        return PanopticScore(
            evaluation: evaluation, metrics: evaluation.metrics(bootstrap: bootstrap), warnings: warnings)
    }

    private typealias Pair = (truth: PanopticImage, predicted: PanopticImage)

    /// Quirk(panopticapi): of two predictions for one image the later is used.
    private static func paired(
        _ truth: PanopticDataset, _ predictions: PanopticDataset, _ file: String
    ) throws(DataError) -> [Pair] {
        let byImage = Dictionary(predictions.images.map { ($0.imageID, $0) }, uniquingKeysWith: { $1 })
        guard !truth.images.isEmpty else {
            throw DataError(
                .malformed, file: file, expected: "truth with at least one picture", found: "none",
                remedy: "check the truth's \"annotations\"")
        }
        var pairs: [Pair] = []
        for image in truth.images {
            guard let predicted = byImage[image.imageID] else {
                throw DataError(
                    .missing, file: file, record: "image \(image.imageID)",
                    expected: "a prediction for each of \(truth.images.count) pictures of the truth", found: "none",
                    remedy: "predict every picture; a mean over fewer would be another number")
            }
            pairs.append((image, predicted))
        }
        return pairs
    }

    private static func counts(
        _ pair: Pair, _ roots: (gt: RootedPath, dt: RootedPath), _ gtFile: String, _ dtFile: String,
        _ matcher: PanopticMatcher
    ) throws -> PanopticImageCounts {
        let record = "annotation of image \(pair.truth.imageID)"
        let truth = try PictureFile.load(roots.gt.resolve(pair.truth.fileName, in: gtFile, record: record))
        let path = try roots.dt.resolve(pair.predicted.fileName, in: dtFile, record: record)
        let predicted = try PictureFile.load(path)
        guard truth.height == predicted.height, truth.width == predicted.width else {
            throw DataError(
                .malformed, file: path, expected: "the size of its truth, \(truth.height) rows of \(truth.width)",
                found: "\(predicted.height) rows of \(predicted.width)",
                remedy: "write predictions at the size of the truth")
        }
        do {
            return try matcher.match(
                truth: pair.truth, predicted: pair.predicted,
                pairs: PanopticPairs(truth: truth.pixels, predicted: predicted.pixels))
        } catch {
            throw DataError(
                .malformed, file: error.side == .truth ? gtFile : dtFile, record: error.record,
                expected: error.expected, found: error.found, remedy: error.remedy)
        }
    }

    /// What `dmt score panoptic` prints on standard output, and its warnings where they do not stand in the JSON.
    public static func text(
        gt: Side, dt: Side, perClass: Bool, bootstrapDraws: Int, seed: UInt64, input: ScoringInput, asJSON: Bool
    ) throws -> (output: String, warnings: [String]) {
        input.apply()
        let score = try run(
            gt: gt, dt: dt, bootstrap: bootstrapDraws > 0 ? Bootstrap(drawCount: bootstrapDraws, seed: seed) : nil,
            allowsLinks: input.allowsLinks)
        if asJSON { return (score.json.text(pretty: true) + "\n", []) }
        return (score.lines(perClass: perClass).joined(separator: "\n") + "\n", score.warnings)
    }
}
