import DenseMetrics
import Reporting
import SafeFiles

/// The true and the predicted class of every image.
struct ClassificationEvidence: ImageEvidence {
    static let kind = EvidenceKind.classification

    /// The name under which the share of hits is reported: "top1", "knn_top1".
    var metric: String
    var classCount: Int
    var labels: [Int]
    /// Nil where no class was chosen.
    var predictions: [Int?]

    func metrics(bootstrap: Bootstrap?) -> [MetricValue] {
        // A mean over images has an exact error; it needs no draws.
        [TopOneAccuracy.metric(name: metric, predictions: predictions, labels: labels)]
    }

    func sampler() -> EvidenceSampler {
        let hits = zip(predictions, labels).map { $0 == $1 }
        return EvidenceSampler(metrics: [metric], classColumns: ["accuracy"], classCount: classCount) {
            [labels, classCount] weights in
            var right = [UInt64](repeating: 0, count: classCount)
            var all = right
            for (image, weight) in weights.enumerated() {
                all[labels[image]] += weight
                if hits[image] { right[labels[image]] += weight }
            }
            func share(_ part: UInt64, _ whole: UInt64) -> Double? { whole > 0 ? Double(part) / Double(whole) : nil }
            return [share(right.reduce(0, +), all.reduce(0, +))] + zip(right, all).map { share($0, $1) }
        }
    }

    func classSupport() -> [Int] {
        var support = [Int](repeating: 0, count: classCount)
        for label in labels { support[label] += 1 }
        return support
    }

    func imageTable() -> EvidenceImageTable {
        EvidenceImageTable(
            columns: [.init(name: "hit", isCount: true)], ranked: 0,
            rows: zip(predictions, labels).map { [$0 == $1 ? 1 : 0] })
    }

    // MARK: File

    func columns() -> [EvidenceColumn] {
        [
            EvidenceColumn("labels", labels.map { Int32($0) }),
            EvidenceColumn("predictions", predictions.map { Int32($0 ?? -1) }),
        ]
    }

    init(metric: String, classCount: Int, labels: [Int], predictions: [Int?]) {
        precondition(labels.count == predictions.count, "\(predictions.count) predictions of \(labels.count) images")
        self.metric = metric
        self.classCount = classCount
        self.labels = labels
        self.predictions = predictions
    }

    init(_ file: EvidenceFile, _ shape: EvidenceShape) throws(DataError) {
        let classes = 0..<Int32(clamping: shape.classes.count)
        let labels = try file.values("labels", of: Int32.self, count: shape.images.count)
        let predictions = try file.values("predictions", of: Int32.self, count: shape.images.count)
        for label in labels where !classes.contains(label) {
            throw file.refused("labels", "classes below \(shape.classes.count)", "\(label)")
        }
        for prediction in predictions where prediction != -1 && !classes.contains(prediction) {
            throw file.refused("predictions", "classes below \(shape.classes.count), or -1", "\(prediction)")
        }
        guard !shape.metric.isEmpty else { throw file.refused("metadata 'metric'", "a name", "nothing") }
        self.init(
            metric: shape.metric, classCount: shape.classes.count, labels: labels.map { Int($0) },
            predictions: predictions.map { $0 < 0 ? nil : Int($0) })
    }
}
