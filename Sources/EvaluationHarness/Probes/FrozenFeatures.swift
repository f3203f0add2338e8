import Autograd
import DenseData
import Determinism
import ImageFiles
import NeuralLayers
import TensorCore

/// Tokens of a frozen backbone for a list of pictures of one size.
public struct FrozenFeatures {
    /// `(N, C)`, after the final norm.
    public var classTokens: Tensor
    /// `(N, T, C)`, after the final norm.
    public var patches: Tensor
    public var grid: (height: Int, width: Int)

    /// The mean of each picture's patch tokens, `(N, C)`.
    public var meanTokens: Tensor { Variable(patches).meanOverAxis1().value }

    init(classTokens: Tensor, patches: Tensor, grid: (height: Int, width: Int)) {
        self.classTokens = classTokens
        self.patches = patches
        self.grid = grid
    }

    /// - Parameters:
    ///   - pictures: all of one size, a multiple of the patch size.
    public init(_ backbone: some TokenBackbone, _ pictures: [Picture], batchSize: Int = 64, bf16: Bool = false) {
        precondition(!pictures.isEmpty, "features of no pictures")
        let side = (pictures[0].height / backbone.patchSize, pictures[0].width / backbone.patchSize)
        grid = (side.0, side.1)
        classTokens = Tensor(uninitialized: [pictures.count, backbone.width])
        patches = Tensor(uninitialized: [pictures.count, side.0 * side.1, backbone.width])
        let forward = Forward(mode: .evaluation, bf16: bf16)
        for start in stride(from: 0, to: pictures.count, by: batchSize) {
            let range = start..<min(start + batchSize, pictures.count)
            let images = Normalisation.imageNet.batch(Array(pictures[range]))
            let tokens = backbone.tokens(of: Variable(images), forward)
            classTokens.rows(range).assign(tokens.classToken.value)
            patches.rows(range).assign(tokens.patches.value)
        }
    }
}
