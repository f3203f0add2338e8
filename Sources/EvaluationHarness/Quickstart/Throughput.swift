import Autograd
import Foundation
import NeuralLayers
import TensorCore
import VisionBackbones

/// How fast a backbone is, for efficiency columns.
enum Throughput {
    /// Pictures a second of the forward pass in f32: the median of five batches after one that warms up.
    static func imagesPerSecond(_ backbone: VisionTransformer, side: Int, batch: Int = 16) -> Double {
        let images = Variable(Tensor.zeros([batch, side, side, 3]))
        var seconds: [Double] = []
        for round in 0..<6 {
            let start = Date()
            _ = backbone.tokens(of: images, .evaluation)
            if round > 0 { seconds.append(Date().timeIntervalSince(start)) }
        }
        return Double(batch) / seconds.sorted()[seconds.count / 2]
    }
}
