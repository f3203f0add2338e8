import Annotations
import DenseData
import DenseMetrics
import SafeFiles

/// Everything a page about detections is made of, computed once from the truth and a results file.
struct DetectionFindings {
    struct Options {
        /// What is compared.
        var overlap = CocoOverlap.box
        /// Overlap from which a detection is right: in pictures, curves of precision and F1, confusion and calibration.
        var iou = 0.5
        /// Score from which detections count in pictures and confusion; where the mean F1 is greatest unless given.
        var score: Double?
    }

    let options: Options
    let dataset: DetectionDataset
    let truth: CocoDataset
    let results: DetectionTable
    /// COCO's own thresholds.
    let curves: CocoCurves
    /// The threshold `options.iou` alone.
    let precision: CocoCurves
    let outcomes: CocoOutcomes
    let f1: CocoF1Curves
    let confusion: CocoConfusion
    let score: Double
    let names: [Int64: String]

    /// - Throws: `DataError` for files that cannot be read or compared.
    init(_ dataset: DetectionDataset, results file: String, options: Options) throws {
        var truth = try CocoDataset.load(dataset.annotationFile, fields: [.segmentation, .names], checks: [])
        let listed = Set((0..<dataset.count).map(dataset.imageID))
        if listed.count < truth.images.count {
            truth.images = truth.images.filter { listed.contains($0.id) }
            truth.annotations = truth.annotations.filter { listed.contains($0.imageID) }
        }
        let results = try CocoResults.load(file, fields: [.segmentation])
        do {
            let settings = CocoSettings(options.overlap)
            var single = settings
            single.iouThresholds = [options.iou]
            curves = CocoEvaluation.accumulate(
                try CocoEvaluation.match(truth: truth, results: results, settings: settings))
            precision = CocoEvaluation.accumulate(
                try CocoEvaluation.match(truth: truth, results: results, settings: single))
            outcomes = try CocoOutcomes(truth: truth, results: results, settings: settings, threshold: options.iou)
            f1 = CocoF1Curves(outcomes)
            score = options.score ?? f1.best?.score ?? 0
            confusion = try CocoConfusion(
                truth: truth, results: results, settings: settings, threshold: options.iou, minimumScore: score)
        } catch let error as CocoInputError {
            throw DataError(error, truth: dataset.annotationFile, results: file)
        }
        self.options = options
        self.dataset = dataset
        self.truth = truth
        self.results = results
        names = Dictionary(truth.categories.map { ($0.id, $0.name) }, uniquingKeysWith: { $1 })
    }

    func name(_ classIndex: Int) -> String {
        let id = outcomes.categoryIDs[classIndex]
        return names[id] ?? "\(id)"
    }

    /// Average precision over all areas; of one class, or the mean of all.
    func averagePrecision(
        iou: Double? = nil, area: String = "all", classIndex: Int? = nil
    ) -> Double? {
        CocoEvaluation.mean(
            curves, isPrecision: true, threshold: iou, area: area, limit: curves.settings.maxDetections.last ?? 100,
            classIndex: classIndex)
    }

    /// The same at the chosen overlap.
    func precisionAtThreshold(_ classIndex: Int? = nil) -> Double? {
        CocoEvaluation.mean(
            precision, isPrecision: true, threshold: nil, area: "all",
            limit: precision.settings.maxDetections.last ?? 100, classIndex: classIndex)
    }

    /// Confidences of the detections that count either way, and whether they are right.
    var confidences: [(confidence: Double, isRight: Bool)] {
        outcomes.images.flatMap { image in
            image.detections.compactMap { detection in
                detection.outcome == .excused ? nil : (detection.score, detection.outcome != .wrong)
            }
        }
    }
}
