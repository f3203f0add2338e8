import Autograd
import Determinism
import NeuralLayers

/// A feature pyramid network: 1x1 convolutions, the coarser level added to the finer one, 3x3 convolutions; biases, no norm.
///
/// Coarser levels are enlarged by repeating pixels.
///
/// - Source: Lin et al. 2017, arXiv:1612.03144; mmdetection's `FPN` (its names `lateral_convs.i.conv`,
///   `fpn_convs.i.conv`), torchvision's `FeaturePyramidNetwork` with `LastLevelMaxPool`.
public final class FeaturePyramidNetwork: Layer {
    /// One a level, finest first, the pooled top level last.
    public let outputSpecs: [FeatureSpec]
    private let laterals: [BiasedConvolution]
    private let outputs: [BiasedConvolution]
    private let hasTopLevel: Bool

    /// - Parameters:
    ///   - inputs: finest first; strides double from one to the next.
    ///   - channels: of every level.
    ///   - hasTopLevel: one more level, every second pixel of the coarsest one.
    public init(
        inputs: [FeatureSpec], channels: Int = 256, hasTopLevel: Bool = true, _ stream: inout RandomStream
    ) throws(HeadConfigurationError) {
        guard !inputs.isEmpty, channels >= 1, zip(inputs, inputs.dropFirst()).allSatisfy({ 2 * $0.stride == $1.stride })
        else {
            throw HeadConfigurationError(
                head: "FeaturePyramidNetwork", expected: "maps whose strides double, and a positive width",
                found: "strides \(inputs.map(\.stride)), \(channels) channels",
                remedy: "put it on a pyramid, finest level first")
        }
        var (laterals, outputs) = ([BiasedConvolution](), [BiasedConvolution]())
        for input in inputs {
            laterals.append(BiasedConvolution(input.channels, channels, kernel: 1, &stream))
            outputs.append(BiasedConvolution(channels, channels, kernel: 3, &stream))
        }
        (self.laterals, self.outputs, self.hasTopLevel) = (laterals, outputs, hasTopLevel)
        let strides = inputs.map(\.stride)
        let all = strides + (hasTopLevel ? [2 * strides[strides.count - 1]] : [])
        outputSpecs = all.map { FeatureSpec(name: "p\($0.trailingZeroBitCount)", channels: channels, stride: $0) }
    }

    public static var slots: [Slot<FeaturePyramidNetwork>] {
        [.layers("lateral_convs", \.laterals), .layers("fpn_convs", \.outputs)]
    }

    /// - Parameter features: maps `(N, H, W, C)` in the order of the specs given at birth.
    public func callAsFunction(_ features: FeatureMaps, _ forward: Forward) -> FeatureMaps {
        precondition(
            features.maps.count == laterals.count, "FPN: \(features.maps.count) maps for \(laterals.count) levels")
        var levels = zip(laterals, features.maps).map { $0.conv($1.map, forward) }
        for index in stride(from: levels.count - 1, to: 0, by: -1) {
            levels[index - 1] = levels[index - 1] + levels[index].repeatingPixels(to: levels[index - 1].grid)
        }
        var maps = zip(outputs, levels).map { $0.conv($1, forward) }
        if hasTopLevel { maps.append(maps[maps.count - 1].maxPool(size: 1, stride: 2)) }
        return FeatureMaps(zip(outputSpecs, maps).map { ($0, $1) })
    }
}

/// A convolution that keeps the size of a map. Checkpoint name `conv.*`.
private final class BiasedConvolution: Layer {
    let conv: Conv2d

    init(_ inputs: Int, _ outputs: Int, kernel: Int, _ stream: inout RandomStream) {
        conv = Conv2d(inputs, outputs, kernel: kernel, padding: kernel / 2, initialization: .xavierUniform, &stream)
    }

    static var slots: [Slot<BiasedConvolution>] { [.layer("conv", \.conv)] }
}

extension Variable {
    /// Nearest-neighbour resize of `(N, H, W, C)`: output pixel `i` is input pixel `floor(i · old / new)`.
    ///
    /// - Source: the `nearest` rule of PyTorch's interpolate.
    func repeatingPixels(to size: (height: Int, width: Int)) -> Variable {
        let (pictures, height, width, channels) = (shape[0], shape[1], shape[2], shape[3])
        if (height, width) == size { return self }
        var rows: [Int32] = []
        rows.reserveCapacity(pictures * size.height * size.width)
        for picture in 0..<pictures {
            for y in 0..<size.height {
                let row = (picture * height + y * height / size.height) * width
                for x in 0..<size.width { rows.append(Int32(row + x * width / size.width)) }
            }
        }
        return reshaped([pictures * height * width, channels]).gatheringRows(rows)
            .reshaped([pictures, size.height, size.width, channels])
    }
}
