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
    /// - Parameters:
    ///   - names: of the images, by id.
    ///   - bootstrap: over images, for standard errors and intervals.
    static func scores(
        gt: String, dt: String, names: [Int64: String], bootstrap: Bootstrap? = nil
    ) throws -> EvaluationJob.Scores {
        var options = CocoScoring.Options()
        options.perClass = true
        var matches: [CocoMatches] = []
        var classes: [String] = []
        var warnings: [RunWarning] = []
        var columns: [(name: String, values: [(name: String, value: Double?)])] = []
        for overlap in CocoOverlap.detections {
            let suffix = overlap.suffix
            let score = try CocoScoring.run(gt: gt, dt: dt, iouType: overlap, options: options)
            matches.append(score.matches)
            classes = score.matches.categoryIDs.map(score.name)
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
        let evidence = DetectionEvidence(matches)
        return EvaluationJob.Scores(
            metrics: evidence.metrics(bootstrap: bootstrap),
            classTable: ClassTable(columns: columns.map(\.name), rows: rows), warnings: warnings,
            evidence: RunEvidence(
                images: matches[0].imageIDs.map { names[$0] ?? "image \($0)" }, classes: classes, evidence))
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
