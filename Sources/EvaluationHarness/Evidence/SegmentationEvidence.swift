import DenseMetrics
import Reporting
import SafeFiles

extension EvaluationJob.Scores {
    /// The same scores of a segmentation beside the best that one label a patch can do.
    func with(oracle: SegmentationEvaluation, _ bootstrap: Bootstrap?) -> EvaluationJob.Scores {
        guard let own = evidence.content as? SegmentationEvidence else { return self }
        // The oracle goes through its label maps in the order of the data set, predictions in that of their names.
        let both = SegmentationEvidence(evaluation: own.evaluation, oracle: oracle.ordered(as: evidence.images))
        var scores = self
        scores.metrics += both.oracleMetrics(bootstrap)
        scores.evidence = RunEvidence(images: evidence.images, classes: evidence.classes, both)
        return scores
    }
}

/// Pixel counts of every class in every image; for probes of patches those of the best possible labels of patches too.
struct SegmentationEvidence: ImageEvidence {
    static let kind = EvidenceKind.segmentation
    static let oracleMetric = "mIoU_patch_oracle"

    var evaluation: SegmentationEvaluation
    var oracle: SegmentationEvaluation?

    func metrics(bootstrap: Bootstrap?) -> [MetricValue] {
        evaluation.metrics(bootstrap: bootstrap) + oracleMetrics(bootstrap)
    }

    fileprivate func oracleMetrics(_ bootstrap: Bootstrap?) -> [MetricValue] {
        oracle.map { [$0.metric(.mIoU, named: Self.oracleMetric, bootstrap: bootstrap)] } ?? []
    }

    func sampler() -> EvidenceSampler {
        EvidenceSampler(
            metrics: SegmentationMetric.allCases.map(\.rawValue) + (oracle == nil ? [] : [Self.oracleMetric]),
            classColumns: ["IoU"], classCount: evaluation.classCount
        ) { [evaluation, oracle] weights in
            let (metrics, classes) = evaluation.valuesWithClasses(weights: weights)
            return metrics + (oracle.map { [$0.value(of: .mIoU, weights: weights)] } ?? []) + classes
        }
    }

    func classSupport() -> [Int] {
        var support = [Int](repeating: 0, count: evaluation.classCount)
        for index in evaluation.images.indices {
            for (k, pixels) in evaluation.counts(at: index).labelled.enumerated() where pixels > 0 { support[k] += 1 }
        }
        return support
    }

    func imageTable() -> EvidenceImageTable {
        EvidenceImageTable(
            columns: [.init(name: "mIoU"), .init(name: "aAcc"), .init(name: "labelled_pixels", isCount: true)],
            ranked: 0,
            rows: evaluation.images.indices.map { index in
                let counts = evaluation.counts(at: index)
                let labelled = counts.labelled.reduce(0, +)
                // A picture without a scored pixel has no score, whatever was predicted there.
                return [
                    labelled > 0 ? SegmentationScores.meanIoU(counts) : nil, SegmentationScores.pixelAccuracy(counts),
                    Double(labelled),
                ]
            })
    }

    // MARK: File

    func columns() -> [EvidenceColumn] {
        Self.columns(evaluation, "counts") + (oracle.map { Self.columns($0, "oracle") } ?? [])
    }

    /// Only classes that an image shows or is said to show: most images show few of many classes.
    private static func columns(_ evaluation: SegmentationEvaluation, _ group: String) -> [EvidenceColumn] {
        var (images, classes): ([UInt32], [UInt32]) = ([], [])
        var (intersection, predicted, labelled): ([UInt64], [UInt64], [UInt64]) = ([], [], [])
        var unclassified: [UInt64] = []
        for image in evaluation.images.indices {
            let counts = evaluation.counts(at: image)
            unclassified.append(counts.unclassified)
            for k in 0..<counts.classCount where counts.labelled[k] > 0 || counts.predicted[k] > 0 {
                images.append(UInt32(image))
                classes.append(UInt32(k))
                intersection.append(counts.intersection[k])
                predicted.append(counts.predicted[k])
                labelled.append(counts.labelled[k])
            }
        }
        return [
            EvidenceColumn("\(group).image", images), EvidenceColumn("\(group).class", classes),
            EvidenceColumn("\(group).intersection", intersection), EvidenceColumn("\(group).predicted", predicted),
            EvidenceColumn("\(group).labelled", labelled), EvidenceColumn("\(group).unclassified", unclassified),
        ]
    }

    init(evaluation: SegmentationEvaluation, oracle: SegmentationEvaluation? = nil) {
        self.evaluation = evaluation
        self.oracle = oracle
    }

    init(_ file: EvidenceFile, _ shape: EvidenceShape) throws(DataError) {
        evaluation = try Self.evaluation(file, shape, "counts")
        oracle = file.has("oracle.image") ? try Self.evaluation(file, shape, "oracle") : nil
    }

    private static func evaluation(
        _ file: EvidenceFile, _ shape: EvidenceShape, _ group: String
    ) throws(DataError) -> SegmentationEvaluation {
        let images = try file.values("\(group).image", of: UInt32.self)
        let classes = try file.values("\(group).class", of: UInt32.self, count: images.count)
        let intersection = try file.values("\(group).intersection", of: UInt64.self, count: images.count)
        let predicted = try file.values("\(group).predicted", of: UInt64.self, count: images.count)
        let labelled = try file.values("\(group).labelled", of: UInt64.self, count: images.count)
        let unclassified = try file.values("\(group).unclassified", of: UInt64.self, count: shape.images.count)
        var result = SegmentationEvaluation(classCount: shape.classes.count)
        var next = 0
        for (image, name) in shape.images.enumerated() {
            var counts = SegmentationCounts(classCount: shape.classes.count)
            counts.unclassified = unclassified[image]
            var last = -1
            while next < images.count, Int(images[next]) == image {
                let k = Int(classes[next])
                guard k > last, k < shape.classes.count else {
                    throw file.refused("\(group).class", "classes in order, below \(shape.classes.count)", "\(k)")
                }
                // Far above any picture, and sums over all pictures still fit.
                let limit = UInt64(1) << 40
                guard intersection[next] <= min(predicted[next], labelled[next]),
                    max(predicted[next], labelled[next]) <= limit
                else {
                    throw file.refused(
                        "\(group).intersection", "pixels of both at most those of either",
                        "\(intersection[next]) of \(predicted[next]) and \(labelled[next]) in \(name)")
                }
                counts.intersection[k] = intersection[next]
                counts.predicted[k] = predicted[next]
                counts.labelled[k] = labelled[next]
                (last, next) = (k, next + 1)
            }
            result.add(counts, image: name)
        }
        guard next == images.count else {
            throw file.refused(
                "\(group).image", "images in order, below \(shape.images.count)", "\(images[next]) at row \(next)")
        }
        return result
    }
}
