import Annotations

/// Which classes are taken for which: one row a true class, one column a predicted one, the last of both for nothing.
///
/// Detections from the highest score down each take the object, of whatever class, that they overlap most among those
/// not yet taken, if the overlap reaches the threshold; of equal overlaps an object of their own class, then the first.
/// What is left over goes to the last row (false positives) and the last column (missed objects); detections left over
/// on a crowd of their own class do not count.
public struct CocoConfusion: Sendable {
    public let categoryIDs: [Int64]
    public let threshold: Double
    public let minimumScore: Double
    /// `(K + 1) x (K + 1)`, row by row.
    public let counts: [Int]
    public let warnings: [CocoWarning]

    public var side: Int { categoryIDs.count + 1 }

    public subscript(truth: Int, predicted: Int) -> Int { counts[truth * side + predicted] }

    /// - Parameters:
    ///   - minimumScore: detections below it are left out.
    ///   - limit: detections an image, over all classes.
    /// - Throws: `CocoInputError` where the files cannot be compared.
    public init(
        truth: CocoDataset, results: DetectionTable, settings: CocoSettings, threshold: Double = 0.5,
        minimumScore: Double = 0.25, limit: Int = 100
    ) throws {
        let images = try CocoImages(
            truth: truth, results: results, settings: settings, limit: limit, minimumScore: minimumScore)
        let side = images.categoryIDs.count + 1
        var counts = [Int](repeating: 0, count: side * side)
        var own = settings
        own.iouThresholds = [threshold]
        var overlaps = CocoOverlaps(own)
        for (truths, detections) in images.images {
            try overlaps.compute(images.shapes, detections, truths)
            var isTaken = [Bool](repeating: false, count: truths.count)
            for (d, detection) in detections.enumerated() {
                let predicted = images.detectionClasses[detection]
                var best: (object: Int, iou: Double, isSame: Bool)?
                var isExcused = false
                for (g, truth) in truths.enumerated() {
                    let iou = overlaps.values[d * truths.count + g]
                    if iou < threshold { continue }
                    let isSame = images.truthClasses[truth] == predicted
                    if images.shapes.truthCrowd[truth] != 0 {
                        isExcused = isExcused || isSame
                    } else if !isTaken[g], best.map({ iou > $0.iou || iou == $0.iou && isSame && !$0.isSame }) ?? true {
                        best = (g, iou, isSame)
                    }
                }
                if let best {
                    isTaken[best.object] = true
                    counts[images.truthClasses[truths.lowerBound + best.object] * side + predicted] += 1
                } else if !isExcused {
                    counts[(side - 1) * side + predicted] += 1
                }
            }
            for (g, truth) in truths.enumerated() where !isTaken[g] && images.shapes.truthCrowd[truth] == 0 {
                counts[images.truthClasses[truth] * side + side - 1] += 1
            }
        }
        categoryIDs = images.categoryIDs
        self.threshold = threshold
        self.minimumScore = minimumScore
        self.counts = counts
        warnings = images.warnings(overlaps)
    }
}
