import Determinism
import Foundation

/// A random rectangle of noise on a normalised picture.
///
/// - Source: Zhong et al. 2020, arXiv:1708.04896, in timm's form, mode `pixel`: area 0.02 to 1/3, log-uniform aspect from 0.3,
///   ten tries, one rectangle, standard normal values.
public struct RandomErasing: Sendable, Hashable {
    public var probability: Double

    public init(probability: Double) {
        precondition((0...1).contains(probability), "random erasing: probability \(probability)")
        self.probability = probability
    }

    /// - Parameter samples: `height * width * 3` normalised samples.
    public func apply(
        to samples: UnsafeMutablePointer<Float>, height: Int, width: Int, _ stream: inout RandomStream
    ) {
        guard stream.chance(probability) else { return }
        for _ in 0..<10 {
            let area = stream.uniform(0.02...(1.0 / 3)) * Double(height * width)
            let aspect = exp(stream.uniform(log(0.3)...log(1 / 0.3)))
            let (h, w) = (Int((area * aspect).squareRoot().rounded()), Int((area / aspect).squareRoot().rounded()))
            guard h > 0, w > 0, h < height, w < width else { continue }
            let (top, left) = (stream.int(below: height - h + 1), stream.int(below: width - w + 1))
            for row in top..<top + h {
                let start = (row * width + left) * 3
                for n in start..<start + 3 * w { samples[n] = Float(stream.normal()) }
            }
            return
        }
    }
}
