import Determinism
import Foundation
import Geometry
import ImageFiles

/// The random crops of classification and self-supervised pretraining: a window of random area and aspect, resized.
///
/// - Source: torchvision `RandomResizedCrop` (ten tries, then the middle crop of the nearest allowed aspect).
public struct RandomResizedCrop: Sendable, Hashable {
    public var size: Int
    /// Range of the window's share of the picture's area.
    public var scale: ClosedRange<Double>
    /// Range of width / height, drawn uniformly in the logarithm.
    public var ratio: ClosedRange<Double>
    public var mirrorProbability: Double

    public init(
        size: Int, scale: ClosedRange<Double> = 0.08...1, ratio: ClosedRange<Double> = 0.75...(4.0 / 3),
        mirrorProbability: Double = 0.5
    ) {
        self.size = size
        self.scale = scale
        self.ratio = ratio
        self.mirrorProbability = mirrorProbability
    }

    public func framing(of picture: ImageSize, _ stream: inout RandomStream) -> Framing {
        let output = ImageSize(height: size, width: size)
        let window = window(of: picture, &stream)
        return Framing(
            source: window, resized: output, crop: Window(height: size, width: size),
            isMirrored: stream.chance(mirrorProbability), output: output)
    }

    private func window(of picture: ImageSize, _ stream: inout RandomStream) -> Window {
        let (low, high) = (log(ratio.lowerBound), log(ratio.upperBound))
        for _ in 0..<10 {
            let area = Double(picture.pixelCount) * stream.uniform(scale)
            let aspect = exp(stream.uniform(low...high))
            let width = Int((area * aspect).squareRoot().rounded())
            let height = Int((area / aspect).squareRoot().rounded())
            if width > 0 && height > 0 && width <= picture.width && height <= picture.height {
                return Window(
                    top: stream.int(below: picture.height - height + 1),
                    left: stream.int(below: picture.width - width + 1),
                    height: height, width: width)
            }
        }
        let aspect = Double(picture.width) / Double(picture.height)
        var (width, height) = (picture.width, picture.height)
        if aspect < ratio.lowerBound { height = min(height, Int((Double(width) / ratio.lowerBound).rounded())) }
        if aspect > ratio.upperBound { width = min(width, Int((Double(height) * ratio.upperBound).rounded())) }
        return Window(
            top: (picture.height - height) / 2, left: (picture.width - width) / 2, height: height, width: width)
    }
}

/// Segmentation training view: random scale, random crop that no single class fills, mirror, pad.
///
/// - Source: mmsegmentation's ADE20K pipeline: `RandomResize` of a short side times 0.5...2, `RandomCrop` with
///   `cat_max_ratio` 0.75 (up to ten redraws, the last one stays), flip 0.5, pad right and bottom with the ignore label.
public struct ScaleJitterCrop: Sendable, Hashable {
    public var shortSide: Int
    /// The long side stays within `longSideLimit * factor`.
    public var longSideLimit: Int
    public var factor: ClosedRange<Double>
    public var crop: ImageSize
    /// The largest share one class may have of a crop's labelled pixels.
    public var maxClassShare: Double
    public var mirrorProbability: Double

    public init(
        shortSide: Int, longSideLimit: Int? = nil, factor: ClosedRange<Double> = 0.5...2, crop: ImageSize,
        maxClassShare: Double = 0.75, mirrorProbability: Double = 0.5
    ) {
        self.shortSide = shortSide
        self.longSideLimit = longSideLimit ?? 4 * shortSide
        self.factor = factor
        self.crop = crop
        self.maxClassShare = maxClassShare
        self.mirrorProbability = mirrorProbability
    }

    /// - Parameters:
    ///   - labels: of the picture's size.
    public func framing(of labels: LabelImage, ignoreLabel: UInt16, _ stream: inout RandomStream) -> Framing {
        let drawn = stream.uniform(factor)
        let size = ImageSize(height: labels.height, width: labels.width)
        let resized = size.scaled(by: drawn * size.scale(shortSide: shortSide, longSide: longSideLimit))
        let kept = ImageSize(height: min(crop.height, resized.height), width: min(crop.width, resized.width))
        let rows = Resize.nearest(from: labels.height, to: resized.height)
        let columns = Resize.nearest(from: labels.width, to: resized.width)
        var window = Window(height: kept.height, width: kept.width)
        for _ in 0...10 {
            window.top = stream.int(below: resized.height - kept.height + 1)
            window.left = stream.int(below: resized.width - kept.width + 1)
            if maxClassShare >= 1 || isMixed(window, labels, rows, columns, ignoreLabel) { break }
        }
        return Framing(
            source: Window(height: labels.height, width: labels.width), resized: resized, crop: window,
            isMirrored: stream.chance(mirrorProbability), output: crop)
    }

    /// More than one class, none with `maxClassShare` or more of the labelled pixels.
    private func isMixed(
        _ window: Window, _ labels: LabelImage, _ rows: [Int], _ columns: [Int], _ ignoreLabel: UInt16
    ) -> Bool {
        var counts = [Int](repeating: 0, count: 65536)
        var (classes, labelled, largest) = (0, 0, 0)
        labels.values.withUnsafeBufferPointer { values in
            for y in window.top..<window.top + window.height {
                let start = rows[y] * labels.width
                for x in window.left..<window.left + window.width {
                    let label = values[start + columns[x]]
                    if label == ignoreLabel { continue }
                    let count = counts[Int(label)] + 1
                    counts[Int(label)] = count
                    classes += count == 1 ? 1 : 0
                    labelled += 1
                    largest = max(largest, count)
                }
            }
        }
        return classes > 1 && Double(largest) < maxClassShare * Double(labelled)
    }
}

/// Detection training view: large-scale jitter of a square frame, random crop, mirror, pad.
///
/// - Source: detectron2 `ResizeScale(0.1, 2.0)` and `FixedSizeCrop`, the ViTDet augmentation.
public struct LargeScaleJitter: Sendable, Hashable {
    public var size: Int
    public var factor: ClosedRange<Double>
    public var mirrorProbability: Double

    public init(size: Int, factor: ClosedRange<Double> = 0.1...2, mirrorProbability: Double = 0.5) {
        self.size = size
        self.factor = factor
        self.mirrorProbability = mirrorProbability
    }

    public func framing(of picture: ImageSize, _ stream: inout RandomStream) -> Framing {
        let target = Double(size) * stream.uniform(factor)
        let scale = min(target / Double(picture.height), target / Double(picture.width))
        let resized = ImageSize(
            height: max(1, Int((Double(picture.height) * scale).rounded())),
            width: max(1, Int((Double(picture.width) * scale).rounded())))
        let (height, width) = (min(size, resized.height), min(size, resized.width))
        let crop = Window(
            top: stream.int(below: resized.height - height + 1), left: stream.int(below: resized.width - width + 1),
            height: height, width: width)
        return Framing(
            source: Window(height: picture.height, width: picture.width), resized: resized, crop: crop,
            isMirrored: stream.chance(mirrorProbability), output: ImageSize(height: size, width: size))
    }
}
