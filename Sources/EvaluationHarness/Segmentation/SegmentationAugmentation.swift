import Autograd
import DenseHeads
import Geometry
import TensorCore

/// Test-time augmentation of semantic segmentation: class probabilities are averaged over sizes of the picture, each seen
/// as it is and mirrored.
///
/// - Source: mmsegmentation `seg_tta.py` (scales 0.5 to 1.75 and flips: twelve passes).
public struct SegmentationAugmentation: Sendable, Equatable {
    /// Multiples of the short side.
    public var scales: [Double]
    public var flips: Bool
    /// Probabilities are taken at the size the model sees and resized (mmsegmentation 1.x), rather than logits resized
    /// and then made probabilities (0.x).
    public var softmaxBeforeResize: Bool

    public init(scales: [Double] = [1], flips: Bool = false, softmaxBeforeResize: Bool = false) {
        self.scales = scales
        self.flips = flips
        self.softmaxBeforeResize = softmaxBeforeResize
    }

    /// For run records.
    var words: String {
        let sizes = scales.map { $0 == $0.rounded() ? "\(Int($0))" : "\($0)" }.joined(separator: ", ")
        return "scales \(sizes)\(flips ? ", each mirrored too" : ""), mean of probabilities, softmax "
            + (softmaxBeforeResize ? "before" : "after") + " resizing"
    }
}

/// The mean of class probabilities over the views of one picture.
struct ProbabilityMean {
    private let sums: Tensor
    private let size: ImageSize

    init(size: ImageSize, classCount: Int) {
        self.size = size
        sums = Tensor.zeros([1, size.height, size.width, classCount])
    }

    /// Adds a view.
    ///
    /// - Parameter probabilities: `(1, H, W, K)`; of a mirrored view still mirrored.
    func add(_ probabilities: Variable, isMirrored: Bool) {
        let classCount = sums.shape[3]
        let value = probabilities.value
        let (source, target) = (value.f32(), sums.f32())
        for y in 0..<size.height {
            for x in 0..<size.width {
                let from = source + (y * size.width + (isMirrored ? size.width - 1 - x : x)) * classCount
                let to = target + (y * size.width + x) * classCount
                for k in 0..<classCount { to[k] += from[k] }
            }
        }
        keepAlive(value.storage)
    }

    /// The sum decides as the mean does.
    var labels: SemanticLabels { SemanticLabels(largestOf: Variable(sums)) }
}
