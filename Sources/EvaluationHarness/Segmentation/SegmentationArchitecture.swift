import JSONText
import SafeFiles

/// The decoders that can stand on a backbone.
public enum SegmentationHeadKind: String, Sendable, CaseIterable {
    /// UPerNet on four tapped blocks.
    case upernet
    /// Two 3x3 convolutions and a classifier on the last block's normed tokens.
    case fcn
    /// Batch norm and a classifier on the last block's normed tokens.
    case linear
}

/// What a segmentation model consists of besides its backbone: enough to build it again.
public struct SegmentationArchitecture: Sendable, Equatable {
    public var head = SegmentationHeadKind.upernet
    /// Width of the decoder.
    public var channels = 48
    /// Blocks whose outputs the decoder reads, finest pyramid level first; four for UPerNet, unused by the others.
    public var taps: [Int] = []
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
            ("short_side", .int(Int64(shortSide))),
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
    }
}
