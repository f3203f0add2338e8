import Autograd
import Determinism
import NeuralLayers

/// A pyramid from a plain ViT's last map alone.
///
///     4x: ConvT (C → C/2) – LayerNorm – GELU – ConvT (→ C/4)    2x: ConvT (→ C/2)    1x: –    1/2x: MaxPool 2
///
/// followed on each level by a 1x1 and a 3x3 convolution to `channels`, each with channel LayerNorm, no bias, no ReLU.
///
/// - Source: Li et al. 2022, arXiv:2203.16527, §3; detectron2's `SimpleFeaturePyramid` (its names `simfp_2.*` … by log2 of
///   the stride).
public final class SimpleFeaturePyramid: Layer {
    /// One a level, finest first, the pooled top level last.
    public let outputSpecs: [FeatureSpec]
    private let levels: [SimplePyramidLevel]
    private let hasTopLevel: Bool

    /// - Parameters:
    ///   - input: the map it stands on.
    ///   - strides: of the convolved levels, powers of two from 4 to 64, finest first.
    ///   - channels: of every level.
    ///   - hasTopLevel: one more level, every second pixel of the coarsest one.
    public init(
        input: FeatureSpec, strides: [Int] = [4, 8, 16, 32], channels: Int = 256, hasTopLevel: Bool = true,
        _ stream: inout RandomStream
    ) throws(HeadConfigurationError) {
        guard !strides.isEmpty, strides == strides.sorted(), strides.allSatisfy({ [4, 8, 16, 32, 64].contains($0) })
        else {
            throw HeadConfigurationError(
                head: "SimpleFeaturePyramid", expected: "rising strides among 4, 8, 16, 32, 64", found: "\(strides)",
                remedy: "choose strides that are powers of two")
        }
        let scales = try PyramidScale.scales(head: "SimpleFeaturePyramid", from: input.stride, to: strides)
        guard input.channels % 4 == 0 || !scales.contains(.quadruple) else {
            throw HeadConfigurationError(
                head: "SimpleFeaturePyramid", expected: "a width that four divides", found: "\(input.channels)",
                remedy: "choose another backbone width or no level of stride \(input.stride / 4)")
        }
        var levels: [SimplePyramidLevel] = []
        for (scale, stride) in zip(scales, strides) {
            levels.append(
                SimplePyramidLevel(scale, stride: stride, inputs: input.channels, outputs: channels, &stream))
        }
        self.levels = levels
        self.hasTopLevel = hasTopLevel
        let all = strides + (hasTopLevel ? [2 * strides[strides.count - 1]] : [])
        outputSpecs = all.map { FeatureSpec(name: "p\($0.trailingZeroBitCount)", channels: channels, stride: $0) }
    }

    private subscript(stage stage: Int) -> SimplePyramidLevel? { levels.first { $0.stride == 1 << stage } }

    public static var slots: [Slot<SimpleFeaturePyramid>] {
        (2...6).map { .layer("simfp_\($0)", \SimpleFeaturePyramid.[stage: $0]) }
    }

    /// - Parameter features: the last of its maps is used, `(N, H, W, C)`.
    public func callAsFunction(_ features: FeatureMaps, _ forward: Forward) -> FeatureMaps {
        precondition(!features.maps.isEmpty, "SimpleFeaturePyramid without a map")
        let last = features.maps[features.maps.count - 1].map
        var maps = levels.map { $0(last, forward) }
        if hasTopLevel { maps.append(maps[maps.count - 1].maxPool(size: 1, stride: 2)) }
        return FeatureMaps(zip(outputSpecs, maps).map { ($0, $1) })
    }
}

/// One level; names follow the positions in the reference's sequence, which depend on the scale.
private final class SimplePyramidLevel: Layer {
    let stride: Int
    private let scale: PyramidScale
    private let first: ConvTranspose2x2?
    private let norm: LayerNorm?
    private let second: ConvTranspose2x2?
    private let lateral: NormedConvolution
    private let output: NormedConvolution

    init(_ scale: PyramidScale, stride: Int, inputs: Int, outputs: Int, _ random: inout RandomStream) {
        self.scale = scale
        self.stride = stride
        let grows = scale == .quadruple || scale == .double
        first = grows ? ConvTranspose2x2(inputs, inputs / 2, &random) : nil
        norm = scale == .quadruple ? LayerNorm(inputs / 2) : nil
        second = scale == .quadruple ? ConvTranspose2x2(inputs / 2, inputs / 4, &random) : nil
        let width = scale == .quadruple ? inputs / 4 : grows ? inputs / 2 : inputs
        lateral = NormedConvolution(width, outputs, kernel: 1, norm: .layer, &random)
        output = NormedConvolution(outputs, outputs, kernel: 3, norm: .layer, &random)
    }

    /// The convolution at a position of the sequence: behind four, one or no rescaling steps.
    private subscript(convolution position: Int) -> NormedConvolution? {
        let start = scale == .quadruple ? 4 : scale == .same ? 0 : 1
        return position == start ? lateral : position == start + 1 ? output : nil
    }

    static var slots: [Slot<SimplePyramidLevel>] {
        [.layer("0", \.first), .layer("1", \.norm), .layer("3", \.second)]
            + [0, 1, 2, 4, 5].map { .layer("\($0)", \SimplePyramidLevel.[convolution: $0]) }
    }

    func callAsFunction(_ x: Variable, _ forward: Forward) -> Variable {
        var x = x
        if let size = scale.pooling { x = x.maxPool(size: size, stride: size) }
        if let first { x = first(x, forward) }
        if let norm, let second { x = second(norm(x, forward).gelu(), forward) }
        return output(lateral(x, forward), forward)
    }
}
