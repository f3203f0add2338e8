import CImageCodecs
import Determinism
import ImageFiles
import TensorCore

/// 8-bit samples to network inputs: `(v / 255 - mean) / deviation`, channel by channel.
public struct Normalisation: Sendable, Hashable {
    public var mean: [Float]
    public var deviation: [Float]

    /// - Precondition: three values each, deviations positive.
    public init(mean: [Float], deviation: [Float]) {
        precondition(
            mean.count == 3 && deviation.count == 3 && deviation.allSatisfy { $0 > 0 },
            "normalisation of RGB: \(mean), \(deviation)")
        self.mean = mean
        self.deviation = deviation
    }

    /// ImageNet's: what nearly every published vision transformer expects.
    public static let imageNet = Normalisation(mean: [0.485, 0.456, 0.406], deviation: [0.229, 0.224, 0.225])

    /// Fills a batch `(N, H, W, 3)` of f32.
    ///
    /// - Precondition: all pictures have one size.
    public func batch(_ pictures: [Picture]) -> Tensor {
        precondition(!pictures.isEmpty, "a batch of no pictures")
        let (height, width) = (pictures[0].height, pictures[0].width)
        let result = Tensor(uninitialized: [pictures.count, height, width, 3])
        let (target, tables) = (result.f32(), tables)
        Parallel.forEach(pictures.count) { n in
            let picture = pictures[n]
            precondition(
                picture.height == height && picture.width == width,
                "batch of (\(height), \(width)): picture \(n) is (\(picture.height), \(picture.width))")
            Self.fill(target + n * height * width * 3, with: picture, tables)
        }
        return result
    }

    /// Fills a batch and zeroes, after normalising, what lies outside each picture's content: the padding of detection.
    ///
    /// - Parameters:
    ///   - contents: height and width of the part of each picture that is not padding.
    public func batch(_ pictures: [Picture], contents: [(height: Int, width: Int)]) -> Tensor {
        precondition(pictures.count == contents.count, "\(pictures.count) pictures, \(contents.count) contents")
        let result = batch(pictures)
        let (height, width) = (result.shape[1], result.shape[2])
        for (n, content) in contents.enumerated() {
            for y in 0..<height {
                let start = y < content.height ? content.width : 0
                guard start < width else { continue }
                let row = result.f32() + ((n * height + y) * width) * 3
                for sample in 3 * start..<3 * width { row[sample] = 0 }
            }
        }
        return result
    }

    /// Writes `height * width * 3` normalised samples.
    public func fill(_ target: UnsafeMutablePointer<Float>, with picture: Picture) {
        Self.fill(target, with: picture, tables)
    }

    /// The result for each of 256 levels, channel by channel: the formula's own values, not an approximation.
    private var tables: [Float] {
        (0..<3).flatMap { channel in (0..<256).map { (Float($0) / 255 - mean[channel]) / deviation[channel] } }
    }

    private static func fill(_ target: UnsafeMutablePointer<Float>, with picture: Picture, _ tables: [Float]) {
        picture.pixels.withUnsafeBufferPointer {
            dmt_normalise_rgb($0.baseAddress, Int64(picture.height * picture.width), tables, target)
        }
    }

    /// The picture a normalised buffer came from, to the nearest 8-bit value.
    public func picture(height: Int, width: Int, from samples: UnsafePointer<Float>) -> Picture {
        Picture(
            height: height, width: width,
            pixels: (0..<height * width * 3).map { n in
                let value: Float = (samples[n] * deviation[n % 3] + mean[n % 3]) * 255
                return UInt8(min(max(value.rounded(), 0), 255))
            })
    }
}
