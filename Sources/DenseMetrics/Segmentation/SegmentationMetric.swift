/// The names under which segmentation averages are reported.
///
/// Names are contracts: gates and scripts read them. `Documentation/Metrics.md` has the equations side by side.
public enum SegmentationMetric: String, CaseIterable, Sendable {
    /// Over the data set's counts, classes that never occur are skipped (mmsegmentation, Hugging Face).
    case mIoU
    /// Over the data set's counts and all `K` classes, absent classes count 0 (official scene-parsing formula).
    case mIoUOfficial150 = "mIoU_official150"
    /// Over the data set's counts, labelled classes only (detectron2).
    case mIoULabelledClasses = "mIoU_gtclasses"
    /// Mean over (image, class) pairs with a non-empty union (torchmetrics `segmentation.MeanIoU`).
    case mIoUPairs = "mIoU_pairs"
    /// Mean over images of the image's own mIoU.
    case mIoUImages = "mIoU_images"
    /// IoU weighted by labelled pixels.
    case frequencyWeightedIoU = "fwIoU"
    /// Pixel accuracy.
    case pixelAccuracy = "aAcc"
    /// Mean class accuracy.
    case meanAccuracy = "mAcc"
    /// Mean Dice.
    case meanDice = "mDice"

    /// The average of a data set's summed counts; `nil` for the two that need single images.
    func value(ofTotal c: SegmentationCounts) -> Double? {
        switch self {
        case .mIoU: SegmentationScores.meanIoU(c)
        case .mIoUOfficial150: SegmentationScores.meanIoUOfAllClasses(c)
        case .mIoULabelledClasses: SegmentationScores.meanIoUOfLabelledClasses(c)
        case .frequencyWeightedIoU: SegmentationScores.frequencyWeightedIoU(c)
        case .pixelAccuracy: SegmentationScores.pixelAccuracy(c)
        case .meanAccuracy: SegmentationScores.meanAccuracy(c)
        case .meanDice: SegmentationScores.meanDice(c)
        case .mIoUPairs, .mIoUImages: nil
        }
    }

    var needsSingleImages: Bool { self == .mIoUPairs || self == .mIoUImages }
}
