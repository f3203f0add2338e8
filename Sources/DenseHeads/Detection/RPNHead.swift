import Autograd
import Determinism
import NeuralLayers

/// The convolutions of a region proposal network, shared by all levels: objectness and box deltas of every anchor.
///
/// - Source: Ren et al. 2015, arXiv:1506.01497; names of detectron2's `StandardRPNHead` (`conv` alone, or `conv.conv0`,
///   `conv.conv1`).
final class RPNHead: Layer {
    private let convolutions: [Conv2d]
    private let objectness: Conv2d
    private let deltas: Conv2d

    init(channels: Int, anchorsPerCell: Int, convolutionCount: Int, _ stream: inout RandomStream) {
        var convolutions: [Conv2d] = []
        for _ in 0..<convolutionCount {
            convolutions.append(
                Conv2d(channels, channels, kernel: 3, padding: 1, initialization: .normal(0.01), &stream))
        }
        self.convolutions = convolutions
        objectness = Conv2d(channels, anchorsPerCell, kernel: 1, initialization: .normal(0.01), &stream)
        deltas = Conv2d(channels, 4 * anchorsPerCell, kernel: 1, initialization: .normal(0.01), &stream)
    }

    private subscript(alone index: Int) -> Conv2d? { convolutions.count == 1 ? convolutions[index] : nil }
    private subscript(stacked index: Int) -> Conv2d? { convolutions.count > 1 ? convolutions[index] : nil }

    static var slots: [Slot<RPNHead>] {
        [
            .layer("conv", \RPNHead.[alone: 0]), .layer("conv.conv0", \RPNHead.[stacked: 0]),
            .layer("conv.conv1", \RPNHead.[stacked: 1]), .layer("objectness_logits", \.objectness),
            .layer("anchor_deltas", \.deltas),
        ]
    }

    /// - Parameter map: `(N, H, W, C)`.
    /// - Returns: objectness logits `(N, H·W·A, 1)` and deltas `(N, H·W·A, 4)` in the order of the anchors.
    func callAsFunction(_ map: Variable, _ forward: Forward) -> (logits: Variable, deltas: Variable) {
        var x = map
        for convolution in convolutions { x = convolution(x, activation: .relu, forward) }
        let pictures = x.shape[0]
        return (
            objectness(x, forward).reshaped([pictures, -1, 1]), deltas(x, forward).reshaped([pictures, -1, 4])
        )
    }
}
