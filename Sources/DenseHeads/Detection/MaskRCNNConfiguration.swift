/// Every choice of a Mask R-CNN. The defaults are detectron2's ViTDet recipe for COCO.
///
/// - Source: detectron2 `configs/common/models/{mask_rcnn_fpn,mask_rcnn_vitdet}.py`.
public struct MaskRCNNConfiguration: Sendable, Hashable {
    /// Objects only; background is one more class, the last.
    public var classCount: Int

    /// The levels regions are pooled from, finest first.
    public var strides = [4, 8, 16, 32]
    /// One more level for the RPN alone: every second pixel of the coarsest one.
    public var hasTopLevel = true
    /// The width of every level.
    public var channels = 256

    /// One a level, the top level included, in input pixels.
    public var anchorSizes = [32.0, 64, 128, 256, 512]
    /// Height over width.
    public var anchorRatios = [0.5, 1, 2]
    /// 1 or 2.
    public var rpnConvolutionCount = 2
    public var rpnMatcher = BoxMatcher.proposals
    public var rpnSampler = BalancedSampler(count: 256, foregroundShare: 0.5)
    public var rpnCoder = BoxCoder.proposals
    public var trainingProposals = ProposalLimits(beforeSuppression: 2000, afterSuppression: 1000)
    public var evaluationProposals = ProposalLimits(beforeSuppression: 1000, afterSuppression: 1000)
    public var proposalOverlap = 0.7

    public var regionMatcher = BoxMatcher.regions
    public var regionSampler = BalancedSampler(count: 512, foregroundShare: 0.25)
    public var regionCoder = BoxCoder.regions
    /// The side, in input pixels, of a region pooled from the level of stride 16. 224 suits inputs of about 1024.
    public var canonicalSize = 224.0

    public var boxPoolSize = 7
    public var boxConvolutionCount = 4
    public var boxConvolutionChannels = 256
    public var boxLinearCount = 1
    public var boxLinearWidth = 1024

    public var maskPoolSize = 14
    public var maskConvolutionCount = 4
    public var maskChannels = 256

    /// 0 is L1.
    public var smoothL1Beta = 0.0

    /// Detections need a score above this.
    public var scoreThreshold = 0.05
    /// Detections of one class that overlap a better one by more than this fall.
    public var detectionOverlap = 0.5
    /// Per picture.
    public var detectionLimit = 100
    public var maskThreshold = 0.5

    public init(classCount: Int) { self.classCount = classCount }

    func validate() throws(HeadConfigurationError) {
        func demand(_ holds: Bool, _ expected: String, _ found: String) throws(HeadConfigurationError) {
            if !holds {
                throw HeadConfigurationError(
                    head: "MaskRCNN", expected: expected, found: found, remedy: "correct the head's configuration")
            }
        }
        let levelCount = strides.count + (hasTopLevel ? 1 : 0)
        try demand(classCount >= 1, "at least one class", "\(classCount)")
        try demand(anchorSizes.count == levelCount, "\(levelCount) anchor sizes, one a level", "\(anchorSizes)")
        try demand(
            (anchorSizes + anchorRatios).allSatisfy { $0 > 0 } && !anchorRatios.isEmpty,
            "positive anchor sizes and ratios", "\(anchorSizes) and \(anchorRatios)")
        try demand((1...2).contains(rpnConvolutionCount), "1 or 2 RPN convolutions", "\(rpnConvolutionCount)")
        let sizes = [
            channels, boxPoolSize, maskPoolSize, maskChannels, detectionLimit, boxConvolutionChannels, boxLinearWidth,
        ]
        try demand(sizes.allSatisfy { $0 >= 1 }, "positive widths, pool sizes and limits", "\(sizes)")
        try demand(
            (0...8).contains(boxConvolutionCount) && (1...4).contains(boxLinearCount)
                && (0...8).contains(maskConvolutionCount),
            "0 to 8 convolutions and 1 to 4 linear layers",
            "\(boxConvolutionCount), \(maskConvolutionCount) and \(boxLinearCount)")
        try demand(
            canonicalSize > 0 && smoothL1Beta >= 0, "a positive canonical size and beta ≥ 0",
            "\(canonicalSize), \(smoothL1Beta)")
    }
}

/// How many proposals survive.
public struct ProposalLimits: Sendable, Hashable {
    /// Per level and picture, by objectness.
    public var beforeSuppression: Int
    /// Per picture, over all levels.
    public var afterSuppression: Int

    public init(beforeSuppression: Int, afterSuppression: Int) {
        self.beforeSuppression = beforeSuppression
        self.afterSuppression = afterSuppression
    }
}
