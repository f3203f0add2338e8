import DenseMetrics
import Reporting
import SafeFiles

/// The true class of every image, and those that were predicted.
struct ClassificationEvidence: ImageEvidence {
    static let kind = EvidenceKind.classification

    /// The name under which the share of hits is reported: "top1", "knn_top1".
    var metric: String
    var classCount: Int
    var labels: [Int]
    /// Up to five classes an image, the likeliest first; none where none was chosen.
    var rankings: [[Int]]

    /// Top-5, where the five best of the classes are not all of them: its name, and whether the predictions name runners-up.
    private var topFive: (name: String, isKnown: Bool)? {
        classCount > TopAccuracy.kept
            ? (metric.replacing("top1", with: "top5"), rankings.contains { $0.count > 1 }) : nil
    }

    func metrics(bootstrap: Bootstrap?) -> [MetricValue] {
        // A mean over images has an exact error; it needs no draws.
        var metrics = [TopAccuracy.metric(name: metric, rankings: rankings, labels: labels)]
        if let topFive {
            let known = TopAccuracy.metric(name: topFive.name, rankings: rankings, labels: labels, k: TopAccuracy.kept)
            metrics.append(
                topFive.isKnown
                    ? known
                    : MetricValue(
                        name: known.name, value: nil, unit: known.unit, direction: known.direction,
                        sampleCount: known.sampleCount, undefinedReason: "the predictions name one class a picture"))
        }
        return metrics
    }

    func sampler() -> EvidenceSampler {
        let hits = zip(rankings, labels).map { $0.first == $1 }
        let five = topFive.flatMap { $0.isKnown ? zip(rankings, labels).map { $0.contains($1) } : nil }
        return EvidenceSampler(
            metrics: [metric] + (topFive.map { [$0.name] } ?? []), classColumns: ["accuracy"], classCount: classCount
        ) { [labels, classCount, hasFive = topFive != nil] weights in
            var right = [UInt64](repeating: 0, count: classCount)
            var (all, rightOfFive) = (right, UInt64(0))
            for (image, weight) in weights.enumerated() {
                all[labels[image]] += weight
                if hits[image] { right[labels[image]] += weight }
                if five?[image] == true { rightOfFive += weight }
            }
            func share(_ part: UInt64, _ whole: UInt64) -> Double? { whole > 0 ? Double(part) / Double(whole) : nil }
            let whole = all.reduce(0, +)
            let shares =
                [share(right.reduce(0, +), whole)] + (hasFive ? [five == nil ? nil : share(rightOfFive, whole)] : [])
            return shares + zip(right, all).map { share($0, $1) }
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
            rows: zip(rankings, labels).map { [$0.first == $1 ? 1 : 0] })
    }

    // MARK: File

    func columns() -> [EvidenceColumn] {
        [
            EvidenceColumn("labels", labels.map { Int32($0) }),
            EvidenceColumn(
                "rankings",
                rankings.flatMap { ranking in
                    (0..<TopAccuracy.kept).map { $0 < ranking.count ? Int32(ranking[$0]) : -1 }
                }),
        ]
    }

    init(metric: String, classCount: Int, labels: [Int], rankings: [[Int]]) {
        precondition(labels.count == rankings.count, "\(rankings.count) predictions of \(labels.count) images")
        self.metric = metric
        self.classCount = classCount
        self.labels = labels
        self.rankings = rankings
    }

    init(_ file: EvidenceFile, _ shape: EvidenceShape) throws(DataError) {
        let classes = 0..<Int32(clamping: shape.classes.count)
        let labels = try file.values("labels", of: Int32.self, count: shape.images.count)
        let kept = TopAccuracy.kept
        let ranked = try file.values("rankings", of: Int32.self, count: kept * shape.images.count)
        for label in labels where !classes.contains(label) {
            throw file.refused("labels", "classes below \(shape.classes.count)", "\(label)")
        }
        for prediction in ranked where prediction != -1 && !classes.contains(prediction) {
            throw file.refused("rankings", "classes below \(shape.classes.count), or -1", "\(prediction)")
        }
        guard !shape.metric.isEmpty else { throw file.refused("metadata 'metric'", "a name", "nothing") }
        self.init(
            metric: shape.metric, classCount: shape.classes.count, labels: labels.map { Int($0) },
            rankings: labels.indices.map { image in
                ranked[kept * image..<kept * (image + 1)].prefix { $0 >= 0 }.map { Int($0) }
            })
    }
}
