/// The named averages of segmentation counts. One definition a name; a variant gets another name.
///
/// `IoU_k = I_k / U_k`. Each function returns `nil` where its average runs over nothing.
public enum SegmentationScores {
    /// `I_k / U_k`; `nil` for a class neither labelled nor predicted.
    public static func iou(_ c: SegmentationCounts, _ k: Int) -> Double? {
        ratio(c.intersection[k], c.union(k))
    }

    /// `I_k / L_k`; `nil` for a class without labelled pixels.
    public static func accuracy(_ c: SegmentationCounts, _ k: Int) -> Double? {
        ratio(c.intersection[k], c.labelled[k])
    }

    /// `2 I_k / (P_k + L_k)`; `nil` for a class neither labelled nor predicted.
    public static func dice(_ c: SegmentationCounts, _ k: Int) -> Double? {
        ratio(2 * c.intersection[k], c.predicted[k] + c.labelled[k])
    }

    /// Mean IoU over classes that are labelled or predicted somewhere; absent classes are skipped.
    ///
    /// - Source: mmsegmentation `IoUMetric`, Hugging Face `evaluate` mean_iou (nanmean of I/U).
    public static func meanIoU(_ c: SegmentationCounts) -> Double? {
        mean((0..<c.classCount).lazy.compactMap { iou(c, $0) })
    }

    /// Mean over **all** `K` classes of `I_k / (ε + U_k)`, absent classes counting 0.
    ///
    /// - Source: CSAILVision/sceneparsing evaluationCode/utils_eval.py, where `K` is always 150; ε is 2⁻⁵².
    public static func meanIoUOfAllClasses(_ c: SegmentationCounts) -> Double? {
        var sum = 0.0
        for k in 0..<c.classCount { sum += Double(c.intersection[k]) / (0x1p-52 + Double(c.union(k))) }
        return c.labelled.contains { $0 > 0 } ? sum / Double(c.classCount) : nil
    }

    /// Mean IoU over classes that have labelled pixels.
    ///
    /// - Source: detectron2 `SemSegEvaluator`.
    public static func meanIoUOfLabelledClasses(_ c: SegmentationCounts) -> Double? {
        mean((0..<c.classCount).lazy.filter { c.labelled[$0] > 0 }.compactMap { iou(c, $0) })
    }

    /// IoU weighted by labelled pixels: `Σ (L_k / ΣL) IoU_k`.
    public static func frequencyWeightedIoU(_ c: SegmentationCounts) -> Double? {
        let total = c.labelled.reduce(0, +)
        guard total > 0 else { return nil }
        var sum = 0.0
        for k in 0..<c.classCount where c.labelled[k] > 0 {
            sum += Double(c.labelled[k]) / Double(total) * Double(c.intersection[k]) / Double(c.union(k))
        }
        return sum
    }

    /// Pixel accuracy over scored pixels: `ΣI / ΣL`.
    public static func pixelAccuracy(_ c: SegmentationCounts) -> Double? {
        ratio(c.intersection.reduce(0, +), c.labelled.reduce(0, +))
    }

    /// Mean of `I_k / L_k` over classes that have labelled pixels.
    public static func meanAccuracy(_ c: SegmentationCounts) -> Double? {
        mean((0..<c.classCount).lazy.compactMap { accuracy(c, $0) })
    }

    /// Mean of `2 I_k / (P_k + L_k)` over classes that are labelled or predicted somewhere.
    public static func meanDice(_ c: SegmentationCounts) -> Double? {
        mean((0..<c.classCount).lazy.compactMap { dice(c, $0) })
    }

    /// The sum and the number of IoUs of the (image, class) pairs of one image with a non-empty union.
    static func pairs(_ c: SegmentationCounts) -> (sum: Double, count: Int) {
        var sum = 0.0
        var count = 0
        for k in 0..<c.classCount {
            guard let value = iou(c, k) else { continue }
            sum += value
            count += 1
        }
        return (sum, count)
    }

    private static func ratio(_ numerator: UInt64, _ denominator: UInt64) -> Double? {
        denominator > 0 ? Double(numerator) / Double(denominator) : nil
    }

    private static func mean(_ values: some Sequence<Double>) -> Double? {
        var sum = 0.0
        var count = 0
        for value in values {
            sum += value
            count += 1
        }
        return count > 0 ? sum / Double(count) : nil
    }
}
