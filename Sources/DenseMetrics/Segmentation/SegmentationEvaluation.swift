import CMetricKernels
import Reporting

/// Counts of every scored image, and the metrics and intervals they give.
///
/// Images stay apart because two averages need them and because an interval for mIoU has to resample images: mIoU is
/// not a mean over images, so s/√n would be wrong.
public struct SegmentationEvaluation: Sendable {
    public let classCount: Int
    /// Image names in the order they were added.
    public private(set) var images: [String] = []
    /// One row an image, `3 K + 1` words: I, P, L, unclassified.
    private var rows: [UInt64] = []
    private var pairSums: [Double] = []
    private var pairCounts: [Int] = []

    public init(classCount: Int) { self.classCount = classCount }

    private var width: Int { 3 * classCount + 1 }

    /// Adds one image.
    public mutating func add(_ counts: SegmentationCounts, image: String) {
        precondition(counts.classCount == classCount, "add: \(counts.classCount) classes, evaluation has \(classCount)")
        images.append(image)
        rows += counts.intersection
        rows += counts.predicted
        rows += counts.labelled
        rows.append(counts.unclassified)
        let pairs = SegmentationScores.pairs(counts)
        pairSums.append(pairs.sum)
        pairCounts.append(pairs.count)
    }

    /// Appends the images of `other`.
    public mutating func merge(_ other: SegmentationEvaluation) {
        precondition(classCount == other.classCount, "merge: \(classCount) classes and \(other.classCount)")
        images += other.images
        rows += other.rows
        pairSums += other.pairSums
        pairCounts += other.pairCounts
    }

    /// The same images in another order.
    ///
    /// - Precondition: `names` are this evaluation's images.
    public func ordered(as names: [String]) -> SegmentationEvaluation {
        let places = Dictionary(images.enumerated().map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
        var result = SegmentationEvaluation(classCount: classCount)
        for name in names {
            guard let place = places[name] else { preconditionFailure("ordering images: '\(name)' is not among them") }
            result.add(counts(at: place), image: name)
        }
        return result
    }

    /// The counts of one image.
    public func counts(at index: Int) -> SegmentationCounts {
        unpack(Array(rows[index * width..<(index + 1) * width]))
    }

    /// The counts of all images together.
    public func total() -> SegmentationCounts { total(weights: Array(repeating: 1, count: images.count)) }

    /// The counts of a resampled data set in which image `i` occurs `weights[i]` times.
    public func total(weights: [UInt64]) -> SegmentationCounts {
        precondition(weights.count == images.count, "total: \(weights.count) weights, \(images.count) images")
        var sums = [UInt64](repeating: 0, count: width)
        dmt_semseg_weighted_sums(rows, weights, images.count, width, &sums)
        return unpack(sums)
    }

    private func unpack(_ words: [UInt64]) -> SegmentationCounts {
        var counts = SegmentationCounts(classCount: classCount)
        counts.intersection = Array(words[0..<classCount])
        counts.predicted = Array(words[classCount..<2 * classCount])
        counts.labelled = Array(words[2 * classCount..<3 * classCount])
        counts.unclassified = words[3 * classCount]
        return counts
    }

    /// One metric of the data set, or of a resampled one; `nil` where its average runs over nothing.
    public func value(of metric: SegmentationMetric, weights: [UInt64]? = nil) -> Double? {
        let weights = weights ?? Array(repeating: 1, count: images.count)
        guard metric.needsSingleImages else { return metric.value(ofTotal: total(weights: weights)) }
        var sum = 0.0
        var count = 0.0
        for i in images.indices where weights[i] > 0 && pairCounts[i] > 0 {
            let weight = Double(weights[i])
            if metric == .mIoUPairs {
                sum += weight * pairSums[i]
                count += weight * Double(pairCounts[i])
            } else {
                sum += weight * pairSums[i] / Double(pairCounts[i])
                count += weight
            }
        }
        return count > 0 ? sum / count : nil
    }

    /// Every metric in the order of `SegmentationMetric` and `IoU` of every class, of a resampled data set.
    public func valuesWithClasses(weights: [UInt64]) -> (metrics: [Double?], classes: [Double?]) {
        let total = total(weights: weights)
        let metrics = SegmentationMetric.allCases.map { metric in
            metric.needsSingleImages ? value(of: metric, weights: weights) : metric.value(ofTotal: total)
        }
        return (metrics, (0..<classCount).map { SegmentationScores.iou(total, $0) })
    }

    /// All metrics in the order of `SegmentationMetric`, as fractions.
    ///
    /// - Parameter bootstrap: when given, each value carries a standard error and a 95 % interval from resampled images.
    public func metrics(bootstrap: Bootstrap? = nil) -> [MetricValue] {
        SegmentationMetric.allCases.map { metric($0, named: $0.rawValue, bootstrap: bootstrap) }
    }

    /// One metric under a name of its own, for counts of another kind.
    public func metric(
        _ metric: SegmentationMetric, named name: String, bootstrap: Bootstrap? = nil
    ) -> MetricValue {
        var result = MetricValue(
            name: name, value: value(of: metric), unit: .fraction, direction: .higherIsBetter,
            sampleCount: images.count, undefinedReason: "no scored pixel")
        if let bootstrap, result.value != nil {
            result.attach(bootstrap.estimate(itemCount: images.count) { value(of: metric, weights: $0) })
        }
        return result
    }

    /// The difference `self − other` of one metric with a paired interval.
    ///
    /// - Precondition: both hold the same images in the same order.
    public func difference(
        to other: SegmentationEvaluation, in metric: SegmentationMetric, bootstrap: Bootstrap
    ) -> PairedDifference? {
        precondition(images == other.images, "difference: \(images.count) and \(other.images.count) images not alike")
        return bootstrap.difference(itemCount: images.count) {
            value(of: metric, weights: $0)
        } of: {
            other.value(of: metric, weights: $0)
        }
    }

    /// One row a class over the whole data set.
    public func classTable(names: [String] = []) -> [SegmentationClassRow] {
        let c = total()
        return (0..<classCount).map { k in
            SegmentationClassRow(
                index: k, name: k < names.count ? names[k] : nil, iou: SegmentationScores.iou(c, k),
                accuracy: SegmentationScores.accuracy(c, k), dice: SegmentationScores.dice(c, k),
                labelledPixels: c.labelled[k], predictedPixels: c.predicted[k], intersection: c.intersection[k])
        }
    }
}

/// The scores of one class over a data set. Absent scores are `nil`.
public struct SegmentationClassRow: Sendable, Equatable {
    public var index: Int
    public var name: String?
    public var iou: Double?
    public var accuracy: Double?
    public var dice: Double?
    public var labelledPixels: UInt64
    public var predictedPixels: UInt64
    public var intersection: UInt64
}
