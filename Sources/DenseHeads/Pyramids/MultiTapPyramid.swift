import Autograd
import Determinism
import NeuralLayers

/// Four blocks' outputs of a plain ViT as a pyramid: one tap a level, scaled by transposed convolutions or max-pooling.
///
///     4x: ConvT – BatchNorm – GELU – ConvT    2x: ConvT    1x: –    1/2x: MaxPool 2    1/4x: MaxPool 4
///
/// Patches of 16 give 4x, 2x, 1x, 1/2x; patches of 8 give 2x, 1x, 1/2x, 1/4x. Channels stay those of the ViT.
///
/// - Source: mmsegmentation's `Feature2Pyramid` (its names `upsample_4x.*`, `upsample_2x.*`); BEiT's and iBOT's backbones.
public final class MultiTapPyramid: Layer {
    /// One a level, finest first.
    public let outputSpecs: [FeatureSpec]
    private let levels: [TapRescale]

    /// - Parameters:
    ///   - taps: one a level, all of one width and stride.
    ///   - strides: the levels' strides, finest first.
    public init(
        taps: [FeatureSpec], strides: [Int] = [4, 8, 16, 32], _ stream: inout RandomStream
    ) throws(HeadConfigurationError) {
        guard let first = taps.first, taps.count == strides.count,
            taps.allSatisfy({ $0.channels == first.channels && $0.stride == first.stride })
        else {
            throw HeadConfigurationError(
                head: "MultiTapPyramid", expected: "\(strides.count) taps of one width and stride", found: "\(taps)",
                remedy: "tap as many blocks of one ViT as there are levels")
        }
        let scales = try PyramidScale.scales(head: "MultiTapPyramid", from: first.stride, to: strides)
        var levels: [TapRescale] = []
        for scale in scales { levels.append(TapRescale(scale, channels: first.channels, &stream)) }
        self.levels = levels
        outputSpecs = strides.enumerated().map {
            FeatureSpec(name: "tap\($0)", channels: first.channels, stride: $1)
        }
    }

    private var fourfold: TapRescale? { levels.first { $0.scale == .quadruple } }
    private var twofold: TapRescale? { levels.first { $0.scale == .double } }

    public static var slots: [Slot<MultiTapPyramid>] {
        [.layer("upsample_4x", \.fourfold), .layer("upsample_2x", \.twofold)]
    }

    /// - Parameter taps: maps `(N, H, W, C)` in the order of the specs given at birth.
    public func callAsFunction(_ taps: FeatureMaps, _ forward: Forward) -> FeatureMaps {
        precondition(
            taps.maps.count == levels.count, "MultiTapPyramid: \(taps.maps.count) taps for \(levels.count) levels")
        return FeatureMaps(
            levels.indices.map { (outputSpecs[$0], levels[$0](taps.maps[$0].map, forward)) })
    }
}

/// One level's change of scale; names follow the positions in the reference's sequence.
private final class TapRescale: Layer {
    let scale: PyramidScale
    let first: ConvTranspose2x2?
    let norm: BatchNorm?
    let second: ConvTranspose2x2?

    init(_ scale: PyramidScale, channels: Int, _ stream: inout RandomStream) {
        self.scale = scale
        let grows = scale == .quadruple || scale == .double
        first = grows ? ConvTranspose2x2(channels, channels, &stream) : nil
        norm = scale == .quadruple ? BatchNorm(channels) : nil
        second = scale == .quadruple ? ConvTranspose2x2(channels, channels, &stream) : nil
    }

    static var slots: [Slot<TapRescale>] { [.layer("0", \.first), .layer("1", \.norm), .layer("3", \.second)] }

    func callAsFunction(_ x: Variable, _ forward: Forward) -> Variable {
        if let size = scale.pooling { return x.maxPool(size: size, stride: size) }
        guard let first else { return x }
        let grown = first(x, forward)
        guard let norm, let second else { return grown }
        return second(norm(grown, forward).gelu(), forward)
    }
}
