import JSONText
import SafeFiles

/// The decoders that can stand on a backbone.
public enum SegmentationHeadKind: String, Sendable, CaseIterable {
    /// UPerNet on four tapped blocks.
    case upernet
    /// Two 3x3 convolutions and a classifier on the last block's normed tokens.
    case fcn
    /// Batch norm (or none) and a classifier on the normed tokens of the last block, or of several joined.
    case linear
}

/// What a segmentation model consists of besides its backbone: enough to build it again.
public struct SegmentationArchitecture: Sendable, Equatable {
    public var head = SegmentationHeadKind.upernet
    /// Width of the decoder.
    public var channels = 48
    /// Blocks whose outputs the decoder reads: four for UPerNet, finest pyramid level first; any for the linear head,
    /// the last where there are none; unused by FCN.
    public var taps: [Int] = []
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
    }
}
