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

/// Random views of pictures, each a pure function of its stream.
public struct ViewMaker: Sendable {
    public var framing: ViewFraming
    public var colour: ColourAugmentation?

    public init(_ framing: ViewFraming, colour: ColourAugmentation? = nil) {
        self.framing = framing
        self.colour = colour
    }

    /// One view, `size` pixels a side; `place` is the picture's in the batch of a step.
    public func view(_ picture: Picture, seed: UInt64, purpose: String, step: Int, place: Int) -> Picture {
        var stream = RandomStream(seed: seed, purpose: purpose, UInt64(step), UInt64(place))
        let crop = RandomResizedCrop(size: framing.size, scale: framing.scale)
        let region = region(of: picture, seed: seed, step: step, place)
        var cut = crop.framing(of: ImageSize(height: region.height, width: region.width), &stream)
        cut.source.top += region.top
        cut.source.left += region.left
        var view = cut.picture(picture, filter: .bilinearAntialiased)
        colour?.apply(to: &view, &stream)
        return view
    }

    /// Views of all pictures, made in parallel: `(N, size, size, 3)`, normalised.
    public func batch(_ pictures: [Picture], seed: UInt64, purpose: String, step: Int) -> Tensor {
        let (size, plane) = (framing.size, framing.size * framing.size * 3)
        let result = Tensor(uninitialized: [pictures.count, size, size, 3])
        let target = result.f32()
        Parallel.forEach(pictures.count) { n in
            let view = view(pictures[n], seed: seed, purpose: purpose, step: step, place: n)
            Normalisation.imageNet.fill(target + n * plane, with: view)
        }
        return result
    }

    /// A square window, the same for every purpose.
    private func region(of picture: Picture, seed: UInt64, step: Int, _ n: Int) -> Window {
        guard let region = framing.region else { return Window(height: picture.height, width: picture.width) }
        var stream = RandomStream(seed: seed, purpose: "view region", UInt64(step), UInt64(n))
        let side = max(1, min(Int(stream.uniform(region).rounded()), picture.height, picture.width))
        return Window(
            top: stream.int(below: picture.height - side + 1), left: stream.int(below: picture.width - side + 1),
            height: side, width: side)
    }
}
