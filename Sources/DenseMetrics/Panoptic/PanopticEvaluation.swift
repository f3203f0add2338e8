import Annotations
import Reporting

/// Panoptic quality from the counts of single pictures; evaluations of different pictures can be merged.
///
/// - Source: Kirillov et al. 2019, arXiv:1801.00868, eq. 1: PQ = Σ IoU / (TP + FP/2 + FN/2), SQ = Σ IoU / TP,
///   RQ = TP / (TP + FP/2 + FN/2), each averaged over the classes with any TP, FP or FN.
public struct PanopticEvaluation: Sendable {
    public let categories: [PanopticCategory]
    public private(set) var imageIDs: [Int64] = []
    private var counts: [PanopticImageCounts] = []

    public init(categories: [PanopticCategory]) { self.categories = categories }

    public mutating func add(_ image: PanopticImageCounts, imageID: Int64) {
        imageIDs.append(imageID)
        counts.append(image)
    }

    /// - Precondition: the same categories.
    public mutating func merge(_ other: PanopticEvaluation) {
        precondition(categories == other.categories, "merging evaluations of different categories")
        imageIDs += other.imageIDs
        counts += other.counts
    }

    public var warnings: [CocoWarning] { counts.flatMap(\.warnings) }

    /// Which classes an average runs over.
    public enum Group: String, Sendable, CaseIterable {
        case all = "All"
        case things = "Things"
        case stuff = "Stuff"

        func contains(_ category: PanopticCategory) -> Bool { self == .all || (self == .things) == category.isThing }
    }

    /// Sums of one class.
    public struct ClassCounts: Sendable, Equatable {
        public var iouSum = 0.0
        public var truePositives = 0.0
        public var falsePositives = 0.0
        public var falseNegatives = 0.0

        /// Nil where the class occurs neither in the truth nor in the predictions.
        public var quality: Quality? {
            guard truePositives + falsePositives + falseNegatives > 0 else { return nil }
            let detected = truePositives + 0.5 * falsePositives + 0.5 * falseNegatives
            return Quality(
                pq: iouSum / detected, sq: truePositives > 0 ? iouSum / truePositives : 0, rq: truePositives / detected)
        }
    }

    public struct Quality: Sendable, Equatable {
        public var pq: Double
        public var sq: Double
        public var rq: Double
    }

    /// Sums of each class, in the order of the categories.
    ///
    /// - Parameter weights: how often each picture counts; once unless given.
    public func classCounts(weights: [UInt64]? = nil) -> [ClassCounts] {
        var classes = [ClassCounts](repeating: ClassCounts(), count: categories.count)
        for (index, image) in counts.enumerated() {
            let weight = weights.map { Double($0[index]) } ?? 1
            if weight == 0 { continue }
            for match in image.matches {
                classes[match.classIndex].iouSum += weight * match.iou
                classes[match.classIndex].truePositives += weight
            }
            for classIndex in image.falsePositives { classes[classIndex].falsePositives += weight }
            for classIndex in image.falseNegatives { classes[classIndex].falseNegatives += weight }
        }
        return classes
    }

    /// The mean over a group's classes and how many there are; nil where none occurs.
    public func mean(_ group: Group, weights: [UInt64]? = nil) -> (quality: Quality, classCount: Int)? {
        mean(group, classCounts(weights: weights))
    }

    private func mean(_ group: Group, _ classes: [ClassCounts]) -> (quality: Quality, classCount: Int)? {
        var sum = Quality(pq: 0, sq: 0, rq: 0)
        var count = 0
        for (category, counts) in zip(categories, classes) where group.contains(category) {
            guard let quality = counts.quality else { continue }
            sum.pq += quality.pq
            sum.sq += quality.sq
            sum.rq += quality.rq
            count += 1
        }
        guard count > 0 else { return nil }
        let n = Double(count)
        return (Quality(pq: sum.pq / n, sq: sum.sq / n, rq: sum.rq / n), count)
    }

    /// PQ, SQ and RQ over all classes, things (`_th`) and stuff (`_st`), as fractions.
    ///
    /// - Parameter bootstrap: when given, each value carries a standard error and interval over pictures.
    public func metrics(bootstrap: Bootstrap? = nil) -> [MetricValue] {
        @Sendable func values(_ weights: [UInt64]?) -> [Double?] {
            let classes = classCounts(weights: weights)
            return Group.allCases.flatMap { group -> [Double?] in
                let quality = mean(group, classes)?.quality
                return [quality?.pq, quality?.sq, quality?.rq]
            }
        }
        let names = ["", "_th", "_st"].flatMap { ending in ["PQ", "SQ", "RQ"].map { $0 + ending } }
        let errors = bootstrap.map { $0.estimates(itemCount: imageIDs.count, metrics: values) } ?? []
        return zip(names, values(nil)).enumerated().map { index, named in
            var metric = MetricValue(
                name: named.0, value: named.1, unit: .fraction, direction: .higherIsBetter,
                sampleCount: imageIDs.count, undefinedReason: "no class of this group occurs")
            if !errors.isEmpty, metric.value != nil { metric.attach(errors[index]) }
            return metric
        }
    }
}
