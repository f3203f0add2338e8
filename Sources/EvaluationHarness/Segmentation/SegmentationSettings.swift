import DenseData
import Geometry
import SafeFiles
import VisionBackbones

/// Everything that decides how a segmentation model is trained, besides data and backbone.
public struct SegmentationSettings: Sendable, Equatable {
    public var architecture = SegmentationArchitecture()
    public var tuning = FineTuning()
    /// Weight of the auxiliary head's loss.
    public var auxiliaryWeight = 0.4
    /// Side of the square training crops in pixels, a multiple of the patch.
    public var cropSize = 96
    /// The short side, in pixels, that the scale factor is applied to.
    public var shortSide = 96
    public var scale = 0.75...1.5
    /// The largest share one class may have of a crop's labelled pixels (ten redraws).
    public var maxClassShare = 0.75
    public var flipProbability = 0.5
    /// Random brightness, contrast, saturation and hue.
    public var distortsColours = false

    public init() {}

    /// Reads the keys of a recipe; `classCount` and `ignoreLabel` come from the data set.
    public init(_ reader: RecipeReader, seed: UInt64) throws(DataError) {
        let head = try reader.map("head")
        architecture.head = try head.choice("kind")
        architecture.channels = try head.int("channels", in: 1...8192, default: architecture.channels)
        architecture.taps = try head.value("taps", default: [])
        architecture.pyramidChannels = try head.int("pyramid_channels", in: 0...8192, default: 0)
        architecture.auxiliaryChannels = try head.int("auxiliary_channels", in: 0...8192, default: 0)
        architecture.normsTaps = try head.value("norm_taps", default: architecture.normsTaps)
        architecture.dropout = try head.double("dropout", in: 0...0.99, default: architecture.dropout)
        if architecture.head.hasPyramid, !architecture.taps.isEmpty, architecture.taps.count != 4 {
            throw head.refused(
                "taps", expected: "four blocks", found: "\(architecture.taps.count)", "name one block a pyramid level")
        }
        architecture.hasBatchNorm = try head.value("batch_norm", default: architecture.hasBatchNorm)
        auxiliaryWeight = try head.double("auxiliary_weight", in: 0...100, default: auxiliaryWeight)
        architecture.hasAuxiliary = auxiliaryWeight > 0 && architecture.head == .upernet
        let views = try reader.map("views")
        cropSize = try views.int("crop", in: 8...4096, default: cropSize)
        shortSide = try views.int("short_side", in: 8...8192, default: shortSide)
        scale = try views.range("scale", in: 0.01...100, default: scale)
        maxClassShare = try views.double("max_class_share", in: 0.01...1, default: maxClassShare)
        flipProbability = try views.double("flip", in: 0...1, default: flipProbability)
        distortsColours = try views.value("distort_colours", default: distortsColours)
        architecture.shortSide = try views.int("test_short_side", in: 0...8192, default: shortSide)
        tuning = try FineTuning(reader.map("training"), seed: seed)
    }

    /// The training choices that a protocol names.
    var protocolEntries: [(String, String)] {
        tuning.protocolEntries + [
            (
                "head",
                architecture.head == .linear
                    ? "linear, " + (architecture.hasBatchNorm ? "batch norm" : "no norm")
                    : "\(architecture.head.rawValue), \(architecture.channels) channels"
                        + (architecture.hasAuxiliary ? ", auxiliary \(auxiliaryWeight)" : "")
            ),
            (
                "layers used",
                (architecture.taps.isEmpty
                    ? (architecture.head.hasPyramid ? "four blocks at equal distances" : "last block")
                    : "blocks \(architecture.taps)")
                    + (architecture.head.hasPyramid && !architecture.normsTaps ? ", no final norm" : ", final norm")
            ),
            (
                "training views",
                "crop \(cropSize), short side \(shortSide) x \(scale.lowerBound)-\(scale.upperBound), "
                    + "class share \(maxClassShare), flip \(flipProbability), colours \(distortsColours)"
            ),
        ]
    }
}
