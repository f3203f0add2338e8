import Determinism
import Foundation
import TensorCore

/// Mixes each picture of a batch with its mirror place, and its label alike: mixup or cutmix by a coin, one draw a batch.
///
///     x_i = λ x_i + (1 − λ) x_{N−1−i}          mixup, λ ~ Beta(α, α)
///     x_i = x_{N−1−i} within a box             cutmix, λ = the share outside the box
///     t_i = λ s(y_i) + (1 − λ) s(y_{N−1−i})    s: one-hot with smoothing ε: 1 − ε + ε/K and ε/K
///
/// - Source: Zhang et al. 2018, arXiv:1710.09412; Yun et al. 2019, arXiv:1905.04899; in timm's form, mode `batch`.
public struct BatchMixing: Sendable, Equatable {
    /// α of mixup; 0 turns it off.
    public var mixup = 0.0
    /// α of cutmix; 0 turns it off.
    public var cutmix = 0.0
    public var smoothing = 0.0

    public init() {}

    /// Whether labels stay single classes.
    public var isPlain: Bool { mixup == 0 && cutmix == 0 && smoothing == 0 }

    /// - Parameters:
    ///   - images: `(N, H, W, 3)`, changed in place.
    ///   - labels: a class each.
    /// - Returns: targets `(N, K)`.
    public func callAsFunction(
        _ images: Tensor, labels: [Int32], classCount: Int, _ stream: inout RandomStream
    ) -> Tensor {
        let lambda = mix(images, &stream)
        let (off, on) = (Float(smoothing / Double(classCount)), Float(1 - smoothing))
        let targets = Tensor.full([labels.count, classCount], Double(off))
        let values = targets.f32()
        for (row, label) in labels.enumerated() {
            let other = labels[labels.count - 1 - row]
            values[row * classCount + Int(label)] += on * Float(lambda)
            values[row * classCount + Int(other)] += on * Float(1 - lambda)
        }
        keepAlive(targets.storage)
        return targets
    }

    /// - Returns: λ.
    private func mix(_ images: Tensor, _ stream: inout RandomStream) -> Double {
        if mixup == 0 && cutmix == 0 { return 1 }
        let cuts = cutmix > 0 && (mixup == 0 || stream.chance(0.5))
        let lambda = Self.beta(cuts ? cutmix : mixup, &stream)
        let (count, height, width) = (images.shape[0], images.shape[1], images.shape[2])
        let (values, plane) = (images.f32(), height * width * 3)
        defer { keepAlive(images.storage) }
        guard cuts else {
            let (mine, theirs) = (Float(lambda), Float(1 - lambda))
            for i in 0..<(count + 1) / 2 {
                let (a, b) = (values + i * plane, values + (count - 1 - i) * plane)
                for n in 0..<plane { (a[n], b[n]) = (mine * a[n] + theirs * b[n], mine * b[n] + theirs * a[n]) }
            }
            return lambda
        }
        let ratio = (1 - lambda).squareRoot()
        let (y, x) = (stream.int(below: height), stream.int(below: width))
        func span(_ centre: Int, _ size: Int) -> Range<Int> {
            let side = Int(Double(size) * ratio)
            return max(0, centre - side / 2)..<min(size, centre + (side + 1) / 2)
        }
        let (rows, columns) = (span(y, height), span(x, width))
        for i in 0..<count / 2 {
            let (a, b) = (values + i * plane, values + (count - 1 - i) * plane)
            for row in rows {
                for n in (row * width + columns.lowerBound) * 3..<(row * width + columns.upperBound) * 3 {
                    (a[n], b[n]) = (b[n], a[n])
                }
            }
        }
        return 1 - Double(rows.count * columns.count) / Double(height * width)
    }

    /// A draw of Beta(α, α): the share of one of two gamma draws.
    static func beta(_ alpha: Double, _ stream: inout RandomStream) -> Double {
        let (a, b) = (gamma(alpha, &stream), gamma(alpha, &stream))
        return a + b > 0 ? a / (a + b) : stream.chance(0.5) ? 0 : 1
    }

    /// - Source: Marsaglia, Tsang 2000, "A simple method for generating gamma variables".
    private static func gamma(_ shape: Double, _ stream: inout RandomStream) -> Double {
        if shape < 1 { return gamma(shape + 1, &stream) * pow(1 - stream.uniform(), 1 / shape) }
        let d = shape - 1.0 / 3
        let c = 1 / (9 * d).squareRoot()
        while true {
            let x = stream.normal()
            let v = pow(1 + c * x, 3)
            if v > 0, log(1 - stream.uniform()) < 0.5 * x * x + d - d * v + d * log(v) { return d * v }
        }
    }
}
