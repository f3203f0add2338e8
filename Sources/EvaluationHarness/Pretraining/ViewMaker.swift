import DenseData
import Determinism
import Geometry
import ImageFiles
import TensorCore

/// Strong colour changes, as contrastive and self-distilling methods use them.
public struct ColourAugmentation: Sendable {
    public var jitter = ColourJitter(brightness: 0.4, contrast: 0.4, saturation: 0.2, hue: 0.1, probability: 0.8)
    public var greyProbability = 0.2
    public var blurProbability = 0.5
    public var solarizeProbability = 0.1

    public init() {}

    func apply(to picture: inout Picture, _ stream: inout RandomStream) {
        jitter.apply(to: &picture, &stream)
        if stream.chance(greyProbability) { ColourTransform.greyscale(&picture) }
        if stream.chance(blurProbability) {
            // The published range, 0.1 to 2 pixels at 224, scaled to the view.
            let unit = Double(picture.height) / 224
            ColourTransform.blur(&picture, sigma: max(0.1, stream.uniform(0.1...2) * unit * 1.5))
        }
        if stream.chance(solarizeProbability) { ColourTransform.solarize(&picture) }
    }
}

/// Random views of pictures as network input, drawn in parallel, each a pure function of its stream.
public struct ViewMaker {
    public var crop: RandomResizedCrop
    public var colour: ColourAugmentation?

    public init(crop: RandomResizedCrop, colour: ColourAugmentation? = nil) {
        self.crop = crop
        self.colour = colour
    }

    /// `(N, size, size, 3)`, normalised.
    ///
    /// - Parameter keys: the coordinates of each picture's draws, such as step and place in the batch.
    public func batch(_ pictures: [Picture], seed: UInt64, purpose: String, step: Int) -> Tensor {
        let result = Tensor(uninitialized: [pictures.count, crop.size, crop.size, 3])
        let (target, plane) = (result.f32(), crop.size * crop.size * 3)
        Parallel.forEach(pictures.count) { n in
            var stream = RandomStream(seed: seed, purpose: purpose, UInt64(step), UInt64(n))
            let picture = pictures[n]
            let framing = crop.framing(of: ImageSize(height: picture.height, width: picture.width), &stream)
            var view = framing.picture(picture, filter: .bilinearAntialiased)
            colour?.apply(to: &view, &stream)
            Normalisation.imageNet.fill(target + n * plane, with: view)
        }
        return result
    }
}
