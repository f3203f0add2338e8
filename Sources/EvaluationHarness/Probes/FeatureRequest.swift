import Autograd
import DenseData
import ImageFiles
import NeuralLayers
import TensorCore
import VisionBackbones

/// What is read from a frozen backbone for each picture.
struct FeatureRequest: Equatable {
    /// How a block's tokens become rows.
    enum Pooling: String {
        /// One row a patch.
        case patches
        case classToken = "class token"
        case meanToken = "mean token"
        /// The class tokens, then the mean patch token of the last block.
        case classAndMean = "class token and mean token"
    }

    /// Blocks from 0; each one's tokens pass the final norm, and all are joined by channels.
    var blocks: [Int]
    var pooling: Pooling

    /// Channels of a row.
    func width(of backbone: VisionTransformer) -> Int {
        backbone.width * (pooling == .meanToken ? 1 : blocks.count + (pooling == .classAndMean ? 1 : 0))
    }

    /// - Parameter depth: of the backbone.
    func words(depth: Int) -> String {
        let which =
            blocks == [depth - 1]
            ? "last block"
            : blocks == Array(depth - blocks.count..<depth)
                ? "last \(blocks.count) blocks"
                : blocks.count == 1
                    ? "block \(blocks[0] + 1) of \(depth)"
                    : "blocks \(blocks.map { "\($0 + 1)" }.joined(separator: ", ")) of \(depth)"
        return "\(which), final norm" + (pooling == .patches ? "" : ", \(pooling.rawValue)")
    }

    /// - Parameter pictures: all of one size, a multiple of the patch.
    /// - Returns: `(N, R, C)`, where R is the number of patches or 1.
    func features(of pictures: [Picture], _ backbone: VisionTransformer) -> Tensor {
        let patches = pictures[0].height / backbone.patchSize * (pictures[0].width / backbone.patchSize)
        // 64 pictures of 32 x 32 patches pass together, fewer of more.
        let size = max(1, min(pictures.count, 65_536 / patches))
        if size >= pictures.count { return batch(pictures, backbone) }
        let parts = stride(from: 0, to: pictures.count, by: size).map {
            Variable(batch(Array(pictures[$0..<min($0 + size, pictures.count)]), backbone))
        }
        return Variable.concatenated(parts, axis: 0).value
    }

    private func batch(_ pictures: [Picture], _ backbone: VisionTransformer) -> Tensor {
        let images = Variable(Normalisation.imageNet.batch(pictures))
        let forward = Forward.evaluation
        let tokens = backbone.tokens(of: images, TokenRequest(taps: blocks), forward)
        let normed = tokens.taps.map { backbone.norm($0, forward) }
        let last = normed[normed.count - 1]
        let patches = last.shape[1]
        func classes() -> [Variable] { normed.map { $0.sliced(axis: 1, 0..<1) } }
        func mean() -> Variable {
            last.sliced(axis: 1, 1..<patches).meanOverAxis1().reshaped([pictures.count, 1, backbone.width])
        }
        let parts: [Variable]
        switch pooling {
        case .patches: parts = normed.map { $0.sliced(axis: 1, 1..<patches) }
        case .classToken: parts = classes()
        case .meanToken: parts = [mean()]
        case .classAndMean: parts = classes() + [mean()]
        }
        return (parts.count == 1 ? parts[0] : Variable.concatenated(parts, axis: 2)).value
    }
}
