import Autograd
import Determinism
import NeuralLayers

/// UPerNet's decoder: pyramid pooling on the coarsest map, an FPN over the others, fusion on the finest grid.
///
/// With `Conv` = convolution without bias, BatchNorm, ReLU, and all resizing bilinear without aligned corners:
/// 1. the coarsest map is pooled to grids of 1, 2, 3 and 6 cells, each through a 1x1 `Conv` and resized back; all five
///    are joined and go through a 3x3 `Conv`;
/// 2. the finer maps go through 1x1 `Conv`s; each level adds the resized coarser one;
/// 3. the finer levels go through 3x3 `Conv`s; all levels are resized to the finest, joined, and go through a 3x3 `Conv`,
///    channel dropout 0.1 and the classifier.
///
/// - Source: Xiao et al. 2018, arXiv:1807.10221; names and order of mmsegmentation's `uper_head.py`.
public final class UPerHead: SemanticDecoder {
    public let classCount: Int
    private let bins: [Int]
    private let dropout: Double
    private let pooled: [PoolingBranch]
    private let bottleneck: ConvBatchNormReLU
    private let laterals: [ConvBatchNormReLU]
    private let smoothings: [ConvBatchNormReLU]
    private let fusion: ConvBatchNormReLU
    private let classifier: Conv2d

    /// - Parameters:
    ///   - inputs: at least two maps, finest first.
    ///   - channels: the width of every branch.
    ///   - bins: the grids of pyramid pooling.
    public init(
        inputs: [FeatureSpec], channels: Int, classCount: Int, bins: [Int] = [1, 2, 3, 6], dropout: Double = 0.1,
        _ stream: inout RandomStream
    ) throws(HeadConfigurationError) {
        guard inputs.count >= 2, classCount >= 1, channels >= 1,
            zip(inputs, inputs.dropFirst()).allSatisfy({ $0.stride < $1.stride })
        else {
            throw HeadConfigurationError(
                head: "UPerHead", expected: "two or more maps of rising stride, and positive channels and classes",
                found: "strides \(inputs.map(\.stride)), \(channels) channels, \(classCount) classes",
                remedy: "put a pyramid between a plain ViT and this head")
        }
        self.classCount = classCount
        self.bins = bins
        self.dropout = dropout
        let coarsest = inputs[inputs.count - 1].channels
        var (pooled, laterals, smoothings) = ([PoolingBranch](), [ConvBatchNormReLU](), [ConvBatchNormReLU]())
        for _ in bins { pooled.append(PoolingBranch(coarsest, channels, &stream)) }
        for input in inputs.dropLast() {
            laterals.append(ConvBatchNormReLU(input.channels, channels, kernel: 1, &stream))
            smoothings.append(ConvBatchNormReLU(channels, channels, kernel: 3, &stream))
        }
        (self.pooled, self.laterals, self.smoothings) = (pooled, laterals, smoothings)
        bottleneck = ConvBatchNormReLU(coarsest + bins.count * channels, channels, kernel: 3, &stream)
        fusion = ConvBatchNormReLU(inputs.count * channels, channels, kernel: 3, &stream)
        classifier = Conv2d(channels, classCount, kernel: 1, initialization: .normal(0.01), &stream)
    }

    public static var slots: [Slot<UPerHead>] {
        [
            .layer("conv_seg", \.classifier), .layers("psp_modules", \.pooled), .layer("bottleneck", \.bottleneck),
            .layers("lateral_convs", \.laterals), .layers("fpn_convs", \.smoothings),
            .layer("fpn_bottleneck", \.fusion),
        ]
    }

    /// - Returns: logits on the finest map's grid.
    public func callAsFunction(_ features: FeatureMaps, _ forward: Forward) -> Variable {
        precondition(
            features.maps.count == laterals.count + 1, "UPerHead: \(features.maps.count) maps for \(laterals.count + 1)"
        )
        let coarsest = features.maps[laterals.count].map
        var levels = zip(laterals, features.maps).map { $0($1.map, forward) }
        levels.append(poolPyramid(coarsest, forward))
        for index in stride(from: levels.count - 1, to: 0, by: -1) {
            levels[index - 1] = levels[index - 1] + levels[index].resizedBilinear(to: levels[index - 1].grid)
        }
        for (index, smoothing) in smoothings.enumerated() { levels[index] = smoothing(levels[index], forward) }
        let grid = levels[0].grid
        let joined = Variable.concatenated(levels.map { $0.resizedBilinear(to: grid) }, axis: 3)
        let fused = fusion(joined, forward).channelDropout(dropout, purpose: "decode_head.dropout", forward)
        return classifier(fused, forward)
    }

    private func poolPyramid(_ x: Variable, _ forward: Forward) -> Variable {
        var parts = [x]
        for (bin, branch) in zip(bins, pooled) {
            let cells = branch.conv(x.adaptiveAveragePool(to: (bin, bin)), forward)
            parts.append(cells.resizedBilinear(to: x.grid))
        }
        return bottleneck(.concatenated(parts, axis: 3), forward)
    }
}

/// One pooling grid's convolution; position 1 of the reference's sequence, behind the pooling.
private final class PoolingBranch: Layer {
    let conv: ConvBatchNormReLU

    init(_ inputs: Int, _ outputs: Int, _ stream: inout RandomStream) {
        conv = ConvBatchNormReLU(inputs, outputs, kernel: 1, &stream)
    }

    static var slots: [Slot<PoolingBranch>] { [.layer("1", \.conv)] }
}

extension Variable {
    /// Height and width of a map `(N, H, W, C)`.
    var grid: (height: Int, width: Int) { (shape[1], shape[2]) }
}
