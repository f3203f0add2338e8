import DenseData
import DenseMetrics
import Determinism
import Geometry
import ImageFiles
import SafeFiles

/// A folder of true label maps and one of predictions.
struct SemsegFolders {
    private let labelFolder: String
    private let predictionFolder: String
    private let roots: (labels: RootedPath, predictions: RootedPath)
    private let coding: LabelCoding
    private let labelSize: Int?

    /// - Parameter labelSize: the short side that larger maps are brought to, by their nearest pixels, before they are counted.
    /// - Throws: `.missing` where one of them is no folder.
    init(
        labels: String, predictions: String, coding: LabelCoding, labelSize: Int? = nil, allowsLinks: Bool
    ) throws(DataError) {
        roots = (
            try RootedPath(root: labels, allowsLinks: allowsLinks),
            try RootedPath(root: predictions, allowsLinks: allowsLinks)
        )
        labelFolder = labels
        predictionFolder = predictions
        self.coding = coding
        self.labelSize = labelSize
    }

    /// Counts every pair of files.
    ///
    /// - Returns: the counts of each image; the same along outlines and the confusion matrix `(K, K)` where wanted.
    /// - Throws: `DataError`, as `SemsegScoring.run`; of several the first in the order of names.
    func evaluate(
        only listed: [String]?, countsConfusion: Bool, countsBoundaries: Bool
    ) throws(DataError) -> (evaluation: SegmentationEvaluation, boundary: SegmentationEvaluation?, confusion: [UInt64]?)
    {
        let names = try pairedNames(only: listed)
        var evaluation = SegmentationEvaluation(classCount: coding.classCount)
        var boundary = countsBoundaries ? SegmentationEvaluation(classCount: coding.classCount) : nil
        var confusion = countsConfusion ? [UInt64](repeating: 0, count: coding.classCount * coding.classCount) : nil
        // Pieces of a fixed size keep memory bounded and the order of images fixed at any thread count.
        let piece = 64
        for start in stride(from: 0, to: names.count, by: piece) {
            let part = Array(names[start..<min(start + piece, names.count)])
            for range in counts(part, countsConfusion, countsBoundaries) {
                let counted = try range.get()
                for (name, counts) in zip(part[counted.range], counted.counts) {
                    evaluation.add(counts.whole, image: name)
                    if let band = counts.boundary { boundary?.add(band, image: name) }
                }
                guard let pixels = counted.confusion else { continue }
                for index in pixels.indices { confusion![index] += pixels[index] }
            }
        }
        return (evaluation, boundary, confusion)
    }

    /// The counts of some images of a piece.
    private struct Counted {
        var range: Range<Int>
        var counts: [(whole: SegmentationCounts, boundary: SegmentationCounts?)]
        var confusion: [UInt64]?
    }

    private func counts(
        _ names: [String], _ countsConfusion: Bool, _ countsBoundaries: Bool
    ) -> [Result<Counted, DataError>] {
        // Each worker of eight images makes its own counter: the tables are larger than a small image.
        let grain = 8
        var results = [Result<Counted, DataError>](
            repeating: .success(Counted(range: 0..<0, counts: [])), count: (names.count + grain - 1) / grain)
        results.withUnsafeMutableBufferPointer { out in
            nonisolated(unsafe) let out = out
            Parallel.forEachRange(names.count, grain: grain) { range in
                out[range.lowerBound / grain] = Result { () throws(DataError) in
                    var counter = SegmentationCounter(coding: coding, countsConfusion: countsConfusion)
                    var counted = Counted(range: range, counts: [])
                    for index in range {
                        counted.counts.append(
                            try self.counts(
                                label: Self.path(labelFolder, names[index], in: roots.labels),
                                prediction: Self.path(predictionFolder, names[index], in: roots.predictions),
                                &counter, countsBoundaries))
                    }
                    counted.confusion = counter.confusion
                    return counted
                }
            }
        }
        return results
    }

    private func counts(
        label labelPath: String, prediction predictionPath: String, _ counter: inout SegmentationCounter,
        _ countsBoundaries: Bool
    ) throws(DataError) -> (whole: SegmentationCounts, boundary: SegmentationCounts?) {
        var label = try PictureFile.loadLabels(labelPath)
        var prediction = try PictureFile.loadLabels(predictionPath)
        guard label.height == prediction.height, label.width == prediction.width else {
            throw DataError(
                .malformed, file: predictionPath,
                expected: "the size of its label map, \(label.height) rows of \(label.width)",
                found: "\(prediction.height) rows of \(prediction.width)",
                remedy: "write predictions at the size of the label map (nearest neighbour)")
        }
        if let labelSize, min(label.height, label.width) > labelSize {
            let own = ImageSize(height: label.height, width: label.width)
            let size = own.scaled(by: own.scale(shortSide: labelSize, longSide: .max))
            label = Resize.labels(label, to: (size.height, size.width))
            prediction = Resize.labels(prediction, to: (size.height, size.width))
        }
        do {
            let whole = try counter.counts(prediction: prediction.values, label: label.values)
            guard countsBoundaries else { return (whole, nil) }
            let (height, width) = (label.height, label.width)
            let band = counter.boundaryCounts(
                prediction: prediction.values, label: label.values, height: height, width: width,
                distance: ImageSize(height: height, width: width).boundaryDistance())
            return (whole, band)
        } catch {
            throw DataError(
                .malformed, file: error.map == .label ? labelPath : predictionPath,
                expected: error.coding.valuesDescription, found: "value \(error.value)",
                remedy: "check the number of classes, the ignore label and whether zero stands for no class")
        }
    }

    /// Names that occur in both folders; every other case is an error.
    private func pairedNames(only listed: [String]?) throws(DataError) -> [String] {
        var labels = try Self.pngNames(labelFolder, "label maps")
        if let listed {
            let chosen = Set(listed)
            labels = labels.filter { chosen.contains($0) }
            guard labels.count == chosen.count else {
                throw DataError(
                    .missing, file: labelFolder, expected: "a label map for each of \(chosen.count) listed images",
                    found: "\(labels.count)", remedy: "check the image list")
            }
        }
        let predictions = try Self.pngNames(predictionFolder, "predictions")
        let known = Set(predictions)
        let missing = labels.filter { !known.contains($0) }
        if let first = missing.first {
            throw DataError(
                .missing, file: Self.path(predictionFolder, first),
                expected: "a prediction for each of \(labels.count) label maps",
                found: "\(missing.count) missing",
                remedy: "predict every image; a mean over fewer images would be another number")
        }
        let wanted = Set(labels)
        let extra = predictions.filter { !wanted.contains($0) }
        if let first = extra.first {
            throw DataError(
                .malformed, file: Self.path(predictionFolder, first), expected: "a label map of the same name",
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

    /// The path in the words of the caller, of a file that may be opened.
    private static func path(_ folder: String, _ name: String, in root: RootedPath) throws(DataError) -> String {
        _ = try root.resolve(name, in: folder)
        return path(folder, name)
    }

    private static func path(_ folder: String, _ name: String) -> String {
        folder.hasSuffix("/") ? folder + name : "\(folder)/\(name)"
    }
}
