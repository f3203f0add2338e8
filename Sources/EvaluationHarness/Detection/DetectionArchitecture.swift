import DenseData
import DenseHeads
import Geometry
import JSONText
import SafeFiles

/// What a detection model consists of besides its backbone: enough to build it again.
///
/// The defaults suit pictures of 96 pixels with objects of 8 to 64; `MaskRCNNConfiguration` has the published ones.
public struct DetectionArchitecture: Sendable, Equatable {
    public var classCount = 1
    /// The data set's category ids in class order: what results files name.
    public var categoryIDs: [Int64] = []
    /// The square, in pixels, that pictures are fitted into; a multiple of the patch.
    public var size = 96
    /// The sides of pictures in predictions: the short one, unless the long one would be larger than its limit; nil fits each
    /// picture into the square.
    public var testSides: (short: Int, long: Int)? {
        get { testShortSide > 0 ? (testShortSide, testLongSide) : nil }
        set { (testShortSide, testLongSide) = newValue.map { ($0.short, $0.long) } ?? (0, 0) }
    }
    private var testShortSide = 0
    private var testLongSide = 0
    /// The library whose rules hold where libraries differ.
    public var rules = DetectionRules.detectron2
    public var pyramid = DetectionPyramidKind.simple
    /// Blocks that a pyramid of taps reads, one a level; blocks at equal distances where there are none.
    public var taps: [Int] = []
    /// Whether three stages correct boxes one after the other (Cascade Mask R-CNN).
    public var isCascade = false
    public var boxLoss = BoxLossName.l1
    /// What follows the convolutions of the box head and of the mask head.
    public var boxNorm = ConvolutionNorm.layer
    public var maskNorm = ConvolutionNorm.layer
    /// β of the smooth L1 loss of proposals, 0 for L1; the rules' own when absent.
    public var proposalBeta: Double?
    /// Whether anchors that reach out of the picture are learned from.
    public var learnsOutsideAnchors = true
    /// Levels that regions are pooled from, finest first.
    public var strides = [4, 8, 16]
    /// One more level for proposals alone.
    public var hasTopLevel = true
    public var channels = 64
    /// One a level, the top level included, in input pixels.
    public var anchorSizes = [10.0, 20, 40, 64]
    /// 1 or 2.
    public var proposalConvolutions = 1
    /// The side of a region pooled from the level of stride 16, in input pixels.
    public var canonicalSize = 64.0
    public var boxConvolutions = 0
    public var boxLinearLayers = 2
    public var boxWidth = 128
    /// Masks are twice as wide as this.
    public var maskPoolSize = 7
    public var maskConvolutions = 2
    public var maskChannels = 64
    /// Proposals a picture that predictions are made from, and before suppression on each level.
    public var proposals = 100
    public var proposalsPerLevel = 300
    public var scoreThreshold = 0.05
    public var detectionOverlap = 0.5
    public var detectionLimit = 100

    /// What box heads learn corrections with.
    public enum BoxLossName: String, Sendable, CaseIterable {
        /// The rules' own: L1, or torchvision's smooth L1.
        case l1
        /// 1 − GIoU of the decoded boxes, weighted 10 (iBOT's cascade).
        case giou
    }

    public init() {}

    /// The full configuration; what is not named here keeps the published value.
    func configuration() -> MaskRCNNConfiguration {
        var result = MaskRCNNConfiguration(classCount: classCount, rules: rules)
        result.pyramid = pyramid
        if isCascade { result.stages = MaskRCNNConfiguration.cascade(rules) }
        if boxLoss == .giou { result.boxLoss = .generalizedIoU(weight: 10) }
        result.convolutionNorm = boxNorm
        result.maskConvolutionNorm = maskNorm
        result.rpnSmoothL1Beta = proposalBeta ?? result.rpnSmoothL1Beta
        result.learnsOutsideAnchors = learnsOutsideAnchors
        result.strides = strides
        result.hasTopLevel = hasTopLevel
        result.channels = channels
        result.anchorSizes = anchorSizes
        result.rpnConvolutionCount = proposalConvolutions
        result.canonicalSize = canonicalSize
        result.boxConvolutionCount = boxConvolutions
        result.boxConvolutionChannels = channels
        result.boxLinearCount = boxLinearLayers
        result.boxLinearWidth = boxWidth
        result.maskPoolSize = maskPoolSize
        result.maskConvolutionCount = maskConvolutions
        result.maskChannels = maskChannels
        result.evaluationProposals = ProposalLimits(
            beforeSuppression: proposalsPerLevel, afterSuppression: proposals)
        result.scoreThreshold = scoreThreshold
        result.detectionOverlap = detectionOverlap
        result.detectionLimit = detectionLimit
        return result
    }

    /// How a picture is shown in predictions.
    func framing(of picture: ImageSize) -> Framing {
        guard let testSides else {
            return Framing(of: picture, fittedInto: ImageSize(height: size, width: size), fillsLimit: true)
        }
        return Framing(of: picture, shortSide: testSides.short, longSide: testSides.long, square: size)
    }

    /// The same model on pictures of another size.
    ///
    /// - Parameter side: the side of the square; for predictions with a short side of their own, that one: the limit of the
    ///   long side changes in proportion, and the square is the smallest of whole patches that holds it.
    func shown(at side: Int, patchSize: Int) -> DetectionArchitecture {
        var result = self
        guard let testSides else {
            result.size = side
            return result
        }
        let long = max(side, (testSides.long * side + testSides.short / 2) / testSides.short)
        result.testSides = (side, long)
        result.size = (long + patchSize - 1) / patchSize * patchSize
        return result
    }

    /// The same for a protocol.
    var inputWords: String {
        testSides.map { "short side \($0.short), long side at most \($0.long), padded to \(size)x\(size)" }
            ?? "fitted into \(size)x\(size), padded"
    }

    /// "Mask R-CNN, simple pyramid of strides [4, 8, 16], 64 channels".
    var words: String {
        (isCascade ? "Cascade Mask R-CNN" : "Mask R-CNN")
            + ", \(pyramid.rawValue) pyramid of strides \(strides), \(channels) channels"
    }

    var json: JSONValue {
        func int(_ value: Int) -> JSONValue { .int(Int64(value)) }
        return .object([
            ("class_count", int(classCount)), ("category_ids", .array(categoryIDs.map { .int($0) })),
            ("size", int(size)), ("strides", .array(strides.map(int))), ("top_level", .bool(hasTopLevel)),
            ("channels", int(channels)), ("anchor_sizes", .array(anchorSizes.map { .double($0) })),
            ("proposal_convolutions", int(proposalConvolutions)), ("canonical_size", .double(canonicalSize)),
            ("box_convolutions", int(boxConvolutions)), ("box_linear_layers", int(boxLinearLayers)),
            ("box_width", int(boxWidth)), ("mask_pool_size", int(maskPoolSize)),
            ("mask_convolutions", int(maskConvolutions)), ("mask_channels", int(maskChannels)),
            ("proposals", int(proposals)), ("proposals_per_level", int(proposalsPerLevel)),
            ("score_threshold", .double(scoreThreshold)), ("detection_overlap", .double(detectionOverlap)),
            ("detection_limit", int(detectionLimit)), ("rules", .string(rules.rawValue)),
            ("pyramid", .string(pyramid.rawValue)), ("taps", .array(taps.map(int))), ("cascade", .bool(isCascade)),
            ("box_loss", .string(boxLoss.rawValue)), ("box_norm", .string(boxNorm.rawValue)),
            ("mask_norm", .string(maskNorm.rawValue)), ("proposal_beta", proposalBeta.map { .double($0) } ?? .null),
            ("outside_anchors", .bool(learnsOutsideAnchors)),
            ("test_sides", .array(testSides.map { [int($0.short), int($0.long)] } ?? [])),
        ])
    }

    init(_ fields: ArchitectureFields) throws(DataError) {
        classCount = try fields.int("class_count", 1...65_534)
        categoryIDs = try fields.ints("category_ids", Int.min...Int.max).map(Int64.init)
        size = try fields.int("size", 8...8192)
        strides = try fields.ints("strides", 1...512)
        hasTopLevel = try fields.bool("top_level")
        channels = try fields.int("channels", 1...8192)
        anchorSizes = try fields.doubles("anchor_sizes", 1e-3...1e5)
        proposalConvolutions = try fields.int("proposal_convolutions", 1...2)
        canonicalSize = try fields.double("canonical_size", 1e-3...1e5)
        boxConvolutions = try fields.int("box_convolutions", 0...8)
        boxLinearLayers = try fields.int("box_linear_layers", 1...4)
        boxWidth = try fields.int("box_width", 1...65_536)
        maskPoolSize = try fields.int("mask_pool_size", 1...256)
        maskConvolutions = try fields.int("mask_convolutions", 0...8)
        maskChannels = try fields.int("mask_channels", 1...8192)
        proposals = try fields.int("proposals", 1...100_000)
        proposalsPerLevel = try fields.int("proposals_per_level", 1...100_000)
        scoreThreshold = try fields.double("score_threshold", 0...1)
        detectionOverlap = try fields.double("detection_overlap", 0...1)
        detectionLimit = try fields.int("detection_limit", 1...100_000)
        // Older checkpoints know one kind of detector.
        guard fields.json["rules"] != nil else { return }
        rules = try fields.choice("rules")
        pyramid = try fields.choice("pyramid")
        taps = try fields.ints("taps", 0...1023)
        isCascade = try fields.bool("cascade")
        boxLoss = try fields.choice("box_loss")
        boxNorm = try fields.choice("box_norm")
        maskNorm = try fields.choice("mask_norm")
        if fields.json["proposal_beta"] != .null { proposalBeta = try fields.double("proposal_beta", 0...1e6) }
        learnsOutsideAnchors = try fields.bool("outside_anchors")
        if fields.json["test_sides"] != nil, case let sides = try fields.ints("test_sides", 1...size), sides.count == 2
        {
            testSides = (sides[0], sides[1])
        }
    }

    /// Reads the `head:` keys of a recipe over the defaults.
    mutating func read(_ reader: RecipeReader) throws(DataError) {
        rules = try reader.choice("rules", default: rules)
        pyramid = try reader.choice("pyramid", default: pyramid)
        taps = try reader.value("taps", default: taps)
        isCascade = try reader.value("cascade", default: isCascade)
        boxLoss = try reader.choice("box_loss", default: boxLoss)
        boxNorm = try reader.choice("box_norm", default: boxNorm)
        maskNorm = try reader.choice("mask_norm", default: maskNorm)
        if reader.has("proposal_beta") { proposalBeta = try reader.double("proposal_beta", in: 0...1e6) }
        learnsOutsideAnchors = try reader.value("outside_anchors", default: learnsOutsideAnchors)
        strides = try reader.value("strides", default: strides)
        hasTopLevel = try reader.value("top_level", default: hasTopLevel)
        channels = try reader.int("channels", in: 1...8192, default: channels)
        anchorSizes = try reader.value("anchor_sizes", default: anchorSizes)
        proposalConvolutions = try reader.int("proposal_convolutions", in: 1...2, default: proposalConvolutions)
        canonicalSize = try reader.double("canonical_size", in: 1e-3...1e5, default: canonicalSize)
        boxConvolutions = try reader.int("box_convolutions", in: 0...8, default: boxConvolutions)
        boxLinearLayers = try reader.int("box_linear_layers", in: 1...4, default: boxLinearLayers)
        boxWidth = try reader.int("box_width", in: 1...65_536, default: boxWidth)
        maskPoolSize = try reader.int("mask_pool_size", in: 1...256, default: maskPoolSize)
        maskConvolutions = try reader.int("mask_convolutions", in: 0...8, default: maskConvolutions)
        maskChannels = try reader.int("mask_channels", in: 1...8192, default: maskChannels)
        proposals = try reader.int("proposals", in: 1...100_000, default: proposals)
        proposalsPerLevel = try reader.int("proposals_per_level", in: 1...100_000, default: proposalsPerLevel)
        scoreThreshold = try reader.double("score_threshold", in: 0...1, default: scoreThreshold)
        detectionOverlap = try reader.double("detection_overlap", in: 0...1, default: detectionOverlap)
        detectionLimit = try reader.int("detection_limit", in: 1...100_000, default: detectionLimit)
    }
}
