import Determinism
import Geometry
import ImageFiles

/// Detection training view: the picture, or every other time a crop of it, at a random short side.
///
/// Crop and sizes are drawn as the source does; the crop is cut from the picture itself, to its whole pixels, and resized
/// once, where the source resizes twice.
///
/// - Source: DETR's crop branch (arXiv:2005.12872, appendix A.4) as mmdetection's `RandomChoiceResize` and
///   `RandomCrop(crop_type="absolute_range", allow_negative_crop=True)`; sizes are those of the recipes of Swin and iBOT.
public struct MultiScaleView: Sendable, Hashable {
    /// Cuts a rectangle out of the picture.
    public struct Crop: Sendable, Hashable {
        public var probability: Double
        /// The short sides of which one is drawn; the crop's size is measured at that scale.
        public var shortSides: [Int]
        /// Height and width, drawn apart, at most the picture's.
        public var size: ClosedRange<Int>

        public init(
            probability: Double = 0.5, shortSides: [Int] = [400, 500, 600], size: ClosedRange<Int> = 384...600
        ) {
            (self.probability, self.shortSides, self.size) = (probability, shortSides, size)
        }
    }

    /// The short sides of which one is drawn.
    public var shortSides: [Int]
    /// No long side is larger; the short side is then smaller.
    public var longSide: Int
    public var crop: Crop?
    public var mirrorProbability: Double
    /// The side of the square that the view is padded to.
    public var size: Int

    /// - Precondition: at least one short side; the long side fits the square.
    public init(
        shortSides: [Int], longSide: Int, crop: Crop? = Crop(), mirrorProbability: Double = 0.5, size: Int
    ) {
        precondition(
            !shortSides.isEmpty && crop?.shortSides.isEmpty != true && longSide <= size
                && shortSides.allSatisfy { $0 <= size },
            "views of \(shortSides) by \(longSide) in a square of \(size)")
        (self.shortSides, self.longSide, self.crop) = (shortSides, longSide, crop)
        (self.mirrorProbability, self.size) = (mirrorProbability, size)
    }

    public func framing(of picture: ImageSize, _ stream: inout RandomStream) -> Framing {
        var source = Window(height: picture.height, width: picture.width)
        if let crop, stream.chance(crop.probability) {
            source = window(of: crop, picture, &stream)
        }
        let cut = ImageSize(height: source.height, width: source.width)
        let side = shortSides[stream.int(below: shortSides.count)]
        let resized = cut.scaled(by: cut.scale(shortSide: side, longSide: longSide))
        return Framing(
            source: source, resized: resized, crop: Window(height: resized.height, width: resized.width),
            isMirrored: stream.chance(mirrorProbability), output: ImageSize(height: size, width: size))
    }

    private func window(of crop: Crop, _ picture: ImageSize, _ stream: inout RandomStream) -> Window {
        let side = crop.shortSides[stream.int(below: crop.shortSides.count)]
        let scale = picture.scale(shortSide: side, longSide: longSide)
        let size = picture.scaled(by: scale)
        func part(of all: Int, _ stream: inout RandomStream) -> (start: Int, length: Int) {
            let (low, high) = (min(all, crop.size.lowerBound), min(all, crop.size.upperBound))
            let length = low + stream.int(below: high - low + 1)
            return (stream.int(below: all - length + 1), length)
        }
        func inPicture(_ part: (start: Int, length: Int), of all: Int) -> (start: Int, length: Int) {
            let start = min(Int(Double(part.start) / scale), all - 1)
            return (start, max(1, min(Int((Double(part.length) / scale).rounded()), all - start)))
        }
        let rows = inPicture(part(of: size.height, &stream), of: picture.height)
        let columns = inPicture(part(of: size.width, &stream), of: picture.width)
        return Window(top: rows.start, left: columns.start, height: rows.length, width: columns.length)
    }
}
