import JSONText
import SafeFiles

/// The decoders that can stand on a backbone.
public enum SegmentationHeadKind: String, Sendable, CaseIterable {
    /// UPerNet on four tapped blocks.
    case upernet
    /// A feature pyramid network on four tapped blocks, its levels added.
    case semanticFPN = "semantic-fpn"
    /// Two 3x3 convolutions and a classifier on the last block's normed tokens.
    case fcn
    /// Batch norm (or none) and a classifier on the normed tokens of the last block, or of several joined.
    case linear

    /// Whether a pyramid of four tapped blocks lies below.
    public var hasPyramid: Bool { self == .upernet || self == .semanticFPN }
}

/// What a segmentation model consists of besides its backbone: enough to build it again.
public struct SegmentationArchitecture: Sendable, Equatable {
    public var head = SegmentationHeadKind.upernet
    /// Width of the decoder.
    public var channels = 48
    /// Width of Semantic FPN's pyramid and of the auxiliary head; 0 for the decoder's.
    public var pyramidChannels = 0
    public var auxiliaryChannels = 0
    /// Blocks whose outputs the decoder reads: four for UPerNet and Semantic FPN, finest pyramid level first; any for the
    /// linear head, the last where there are none; unused by FCN.
    public var taps: [Int] = []
    /// Whether the final norm follows the blocks that a pyramid taps (iBOT's `out_with_norm`); the linear head's are normed
    /// always.
    public var normsTaps = false
    /// The share of channels dropped before the classifier in training.
    public var dropout = 0.1
    /// Whether the linear head starts with batch normalisation.
    public var hasBatchNorm = true
    /// An auxiliary FCN head on the third map, trained beside UPerNet.
    public var hasAuxiliary = true
    public var classCount = 1
    public var ignoreLabel = 255
    /// The short side that pictures are resized to for predictions; 0 keeps their size.
    public var shortSide = 96

    public init() {}

    var json: JSONValue {
        .object([
            ("head", .string(head.rawValue)), ("channels", .int(Int64(channels))),
            ("taps", .array(taps.map { .int(Int64($0)) })), ("auxiliary", .bool(hasAuxiliary)),
            ("class_count", .int(Int64(classCount))), ("ignore_label", .int(Int64(ignoreLabel))),
            ("short_side", .int(Int64(shortSide))), ("batch_norm", .bool(hasBatchNorm)),
            ("pyramid_channels", .int(Int64(pyramidChannels))), ("auxiliary_channels", .int(Int64(auxiliaryChannels))),
            ("norm_taps", .bool(normsTaps)), ("dropout", .double(dropout)),
        ])
    }

    /// - Parameter depth: blocks of the backbone, which bound the taps.
    init(_ fields: ArchitectureFields, depth: Int) throws(DataError) {
        head = try fields.choice("head")
        channels = try fields.int("channels", 1...8192)
        taps = try fields.ints("taps", 0...depth - 1)
        hasAuxiliary = try fields.bool("auxiliary")
        classCount = try fields.int("class_count", 1...65_534)
        ignoreLabel = try fields.int("ignore_label", classCount...65_535)
        shortSide = try fields.int("short_side", 0...8192)
        // Older checkpoints know no other head.
        hasBatchNorm = fields.json["batch_norm"] == nil ? true : try fields.bool("batch_norm")
        guard fields.json["norm_taps"] != nil else { return }
        pyramidChannels = try fields.int("pyramid_channels", 0...8192)
        auxiliaryChannels = try fields.int("auxiliary_channels", 0...8192)
        normsTaps = try fields.bool("norm_taps")
        dropout = try fields.double("dropout", 0...0.99)
    }
}
