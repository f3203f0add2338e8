import Autograd
import Determinism
import NeuralLayers

/// One mask a class on twice the pooled grid.
///
/// - Source: He et al. 2017, arXiv:1703.06870, §3; detectron2's `MaskRCNNConvUpsampleHead` (names `mask_fcn1.*` …,
///   `deconv.*`, `predictor.*`).
final class MaskHead: Layer {
    private let convolutions: [NormedConvolution]
    private let upscale: ConvTranspose2x2
    private let predictor: Conv2d

    init(_ configuration: MaskRCNNConfiguration, _ stream: inout RandomStream) {
        var convolutions: [NormedConvolution] = []
        var channels = configuration.channels
        for _ in 0..<configuration.maskConvolutionCount {
            convolutions.append(
                NormedConvolution(
                    channels, configuration.maskChannels, kernel: 3, norm: configuration.maskConvolutionNorm, &stream))
            channels = configuration.maskChannels
        }
        self.convolutions = convolutions
        upscale = ConvTranspose2x2(channels, configuration.maskChannels, &stream)
        predictor = Conv2d(
            configuration.maskChannels, configuration.classCount, kernel: 1, initialization: .normal(0.001), &stream)
    }

    private subscript(convolution index: Int) -> NormedConvolution? {
        convolutions.indices.contains(index) ? convolutions[index] : nil
    }

    static var slots: [Slot<MaskHead>] {
        (0..<8).map { .layer("mask_fcn\($0 + 1)", \MaskHead.[convolution: $0]) }
            + [.layer("deconv", \.upscale), .layer("predictor", \.predictor)]
    }

    /// - Parameters:
    ///   - regions: `(R, P, P, C)`.
    ///   - labels: one class a region.
    /// - Returns: that class's logits, `(R, 4·P·P)`, row by row.
    func callAsFunction(_ regions: Variable, labels: [Int], _ forward: Forward) -> Variable {
        var x = regions
        for convolution in convolutions { x = convolution(x, relu: true, forward) }
        let logits = predictor(upscale(x, forward).relu(), forward)
        let (cells, classCount) = (logits.shape[1] * logits.shape[2], logits.shape[3])
        if classCount == 1 { return logits.reshaped([labels.count, cells]) }
        var picked: [Int32] = []
        picked.reserveCapacity(labels.count * cells)
        for (region, label) in labels.enumerated() {
            for cell in 0..<cells { picked.append(Int32((region * cells + cell) * classCount + label)) }
        }
        return logits.reshaped([-1, 1]).gatheringRows(picked).reshaped([labels.count, cells])
    }
}
