import DenseData
import DenseMetrics
import Reporting
import SafeFiles

/// What pages show of predictions, whatever made them.
struct PredictionIllustration {
    var detection = DetectionFindings.Options()
    var gallery = GalleryOptions()
    /// For the error bars of classes; nil for none.
    var bootstrap: Bootstrap?

    /// - Throws: `DataError` for predictions or pictures that cannot be read, or do not belong to the data.
    func add(
        _ kind: PredictionSource.Kind, _ source: TaskData, _ predictions: String, to page: inout InspectionPage
    ) throws {
        switch kind {
        case .detection: try add(try source.detection(), predictions, to: &page)
        case .segmentation:
            let dataset = try source.segmentation()
            page.introduction.append(
                "Label maps of \(dataset.count) pictures of \(source.name) \(source.split), "
                    + "\(dataset.info.classes.count) classes.")
            let findings = try SegmentationFindings(
                dataset, labels: source.labelFolder, predictions: predictions, bootstrap: bootstrap)
            SegmentationCharts(findings: findings, bootstrap: bootstrap).add(to: &page)
            try SegmentationGallery(findings: findings, options: gallery).add(to: &page)
        case .classification:
            let dataset = try source.classification()
            page.introduction.append(
                "Classes of \(dataset.count) pictures of \(source.name) \(source.split), "
                    + "\(dataset.info.classes.count) classes.")
            let findings = try ClassificationFindings(dataset, predictions: predictions)
            findings.add(to: &page)
            try findings.addGallery(gallery, to: &page)
        }
    }

    /// Detections from a results file.
    func add(_ dataset: DetectionDataset, _ results: String, to page: inout InspectionPage) throws {
        let findings = try DetectionFindings(dataset, results: results, options: detection)
        page.introduction.append(
            "\(findings.results.count) detections on \(dataset.count) pictures of \(dataset.info.name) "
                + "\(dataset.info.split), \(findings.truth.annotations.count) objects of "
                + "\(dataset.info.classes.count) classes.")
        page.figures.append(("score", findings.score))
        DetectionCharts(findings: findings).add(to: &page)
        try DetectionGallery(findings: findings, options: gallery).add(to: &page)
    }
}
