/// One stage of the region heads: whom it learns from and how it writes corrections.
public struct RegionStage: Sendable, Hashable {
    public var matcher: BoxMatcher
    public var coder: BoxCoder
    /// Of the stage's losses.
    public var weight: Double

    public init(matcher: BoxMatcher, coder: BoxCoder, weight: Double = 1) {
        self.matcher = matcher
        self.coder = coder
        self.weight = weight
    }
}

/// What a box head learns corrections with.
public enum BoxLoss: Sendable, Hashable {
    /// On the deltas; β 0 is L1.
    case smoothL1(beta: Double)
    /// 1 − GIoU of the decoded boxes, times the weight.
    case generalizedIoU(weight: Double)
}

/// Every choice of a Mask R-CNN. The defaults are detectron2's ViTDet recipe for COCO.
///
/// - Source: detectron2 `configs/common/models/{mask_rcnn_fpn,mask_rcnn_vitdet}.py`.
public struct MaskRCNNConfiguration: Sendable, Hashable {
    /// Objects only; background is one more class, the last.
    public var classCount: Int

    /// What the libraries do differently.
    public let rules: DetectionRules

    public var pyramid = DetectionPyramidKind.simple
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
    public var rpnMatcher: BoxMatcher
    /// Whether anchors that reach out of the picture are learned from (iBOT's older mmdetection refuses them).
    public var learnsOutsideAnchors = true
    public var rpnSampler = BalancedSampler(count: 256, foregroundShare: 0.5)
    public var rpnCoder: BoxCoder
    /// 0 is L1.
    public var rpnSmoothL1Beta: Double
    public var trainingProposals = ProposalLimits(beforeSuppression: 2000, afterSuppression: 1000)
    public var evaluationProposals = ProposalLimits(beforeSuppression: 1000, afterSuppression: 1000)
    public var proposalOverlap = 0.7

    /// One, or the stages of a cascade in order.
    public var stages: [RegionStage]
    public var regionSampler = BalancedSampler(count: 512, foregroundShare: 0.25)
    /// The side, in input pixels, of a region pooled from the level of stride 16. 224 suits inputs of about 1024.
    public var canonicalSize = 224.0

    /// What follows the convolutions of the box head.
    public var convolutionNorm = ConvolutionNorm.layer
    public var boxPoolSize = 7
    public var boxConvolutionCount = 4
    public var boxConvolutionChannels = 256
    public var boxLinearCount = 1
    public var boxLinearWidth = 1024
    public var boxLoss: BoxLoss

    public var maskPoolSize = 14
    public var maskConvolutionCount = 4
    public var maskChannels = 256
    /// What follows the convolutions of the mask head.
    public var maskConvolutionNorm = ConvolutionNorm.layer

    /// Detections need a score above this.
    public var scoreThreshold = 0.05
    /// Detections of one class that overlap a better one by more than this fall.
    public var detectionOverlap = 0.5
    /// Per picture.
    public var detectionLimit = 100
    public var maskThreshold = 0.5

    public init(classCount: Int, rules: DetectionRules = .detectron2) {
        self.classCount = classCount
        self.rules = rules
        rpnMatcher = rules.rpnMatcher
        rpnCoder = rules.coder([1, 1, 1, 1])
        rpnSmoothL1Beta = rules.smoothL1Beta
        boxLoss = .smoothL1(beta: rules.smoothL1Beta)
        stages = [RegionStage(matcher: rules.regionMatcher(), coder: rules.coder([10, 10, 5, 5]))]
    }

    /// The stages of Cascade Mask R-CNN: overlaps 0.5, 0.6, 0.7, ever finer corrections, ever lighter losses.
    ///
    /// - Source: Cai & Vasconcelos 2018, arXiv:1712.00726; mmdetection's `cascade_mask_rcnn` (deviations 0.1, 0.05, 0.033
    ///   of the place and twice these of the size).
    public static func cascade(_ rules: DetectionRules) -> [RegionStage] {
        let deviations = [[0.1, 0.1, 0.2, 0.2], [0.05, 0.05, 0.1, 0.1], [0.033, 0.033, 0.067, 0.067]]
        return zip(deviations, [(0.5, 1), (0.6, 0.5), (0.7, 0.25)]).map { deviations, stage in
            RegionStage(
                matcher: rules.regionMatcher(stage.0, refusing: true), coder: rules.coder(deviations.map { 1 / $0 }),
                weight: stage.1)
        }
    }

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
            canonicalSize > 0 && rpnSmoothL1Beta >= 0, "a positive canonical size and beta ≥ 0",
            "\(canonicalSize), \(rpnSmoothL1Beta)")
        try demand((1...8).contains(stages.count), "1 to 8 stages", "\(stages.count)")
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
