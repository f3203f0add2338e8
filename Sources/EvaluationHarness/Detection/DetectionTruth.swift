import Annotations
import DenseData
import DenseMetrics
import Reporting
import SafeFiles

/// The truth side of scoring detections from files.
enum DetectionTruth {
    /// Writes the part of an instances file that belongs to a data set's pictures: a list of images leaves the others
    /// out.
    static func restrict(_ dataset: DetectionDataset, to file: String) throws {
        var truth = try CocoDataset.load(dataset.annotationFile, fields: [.segmentation, .names], checks: [])
        let listed = Set((0..<dataset.count).map(dataset.imageID))
        truth.images = truth.images.filter { listed.contains($0.id) }
        truth.annotations = truth.annotations.filter { listed.contains($0.imageID) }
        let output = try GrowingFile(file)
        try truth.write { try output.append($0) }
        try output.finish()
    }

    /// COCO's numbers for boxes and masks: `AP_box`, `AP50_box`, …, `AP_mask`, …, and AP of each class.
    ///
    /// - Parameter bootstrap: over images, for standard errors and intervals.
    static func scores(
        gt: String, dt: String, imageCount: Int, bootstrap: Bootstrap? = nil
    ) throws -> EvaluationJob.Scores {
        var options = CocoScoring.Options()
        options.perClass = true
        var metrics: [MetricValue] = []
        var warnings: [RunWarning] = []
        var columns: [(name: String, values: [(name: String, value: Double?)])] = []
        for overlap in CocoOverlap.detections {
            let suffix = overlap.suffix
            let score = try CocoScoring.run(gt: gt, dt: dt, iouType: overlap, options: options)
            let errors = bootstrap.map { CocoErrors(score.matches).estimates($0) }
            metrics += score.summary.metrics.enumerated().map { index, metric in
                var value = MetricValue(
                    name: "\(metric.name)_\(suffix)", value: metric.value, unit: .fraction,
                    direction: .higherIsBetter, sampleCount: imageCount,
                    undefinedReason: "no object of this kind in the truth")
                value.attach(errors?[index])
                return value
            }
            for text in score.warnings { warnings.append(RunWarning(code: "coco_\(suffix)", message: text)) }
            columns.append(
                (
                    "AP_\(suffix)",
                    zip(score.matches.categoryIDs, score.perClass).map { id, metrics in
                        (score.name(id), metrics.first { $0.name == "AP" }?.value)
                    }
                ))
        }
        let rows = columns[0].values.indices.map { index in
            ClassTable.Row(
                name: columns[0].values[index].name, values: columns.map { $0.values[index].value })
        }
        return EvaluationJob.Scores(
            metrics: metrics, classTable: ClassTable(columns: columns.map(\.name), rows: rows), warnings: warnings)
    }
}

extension CocoOverlap {
    /// What a detector's predictions are scored by.
    static let detections = [CocoOverlap.box, .mask]

    /// The end of a metric's name: `AP_box`.
    var suffix: String {
        switch self {
        case .box: "box"
        case .mask: "mask"
        case .keypoints: "keypoints"
        case .boundary: "boundary"
        }
    }
}
