import Autograd
import DenseData
import DenseHeads
import Geometry
import ImageFiles
import TensorCore

/// A way to learn the classes of pixels from frozen patch tokens.
protocol SegmentationProbe {
    /// What is learned and how, for the protocol of a record.
    var words: String { get }
    /// The settings that are tried against each other, as they stand in `words`.
    var choice: String { get }
    /// - Parameter shouldStop: asked now and then; a fit that stops throws `TrainingInterrupted`.
    func fit(_ set: ProbeSet, shouldStop: () -> Bool) throws -> any FittedSegmentationProbe
}

/// A probe that has learned.
protocol FittedSegmentationProbe {
    /// The label map of one picture at its own size.
    ///
    /// - Parameters:
    ///   - tokens: `(T, C)` of the picture squeezed to `side` by `side`.
    func labels(of tokens: Tensor, grid: (height: Int, width: Int), side: Int, output: ImageSize) -> LabelImage
}

/// Probes that say something of every class for each patch.
protocol PatchScoringProbe: FittedSegmentationProbe {
    /// `(T, K)` of tokens `(T, C)`.
    func scores(_ tokens: Tensor) -> Tensor
}

extension PatchScoringProbe {
    /// Scores resized bilinearly to the backbone's input, then to the picture; the largest wins, the first of equals.
    func labels(of tokens: Tensor, grid: (height: Int, width: Int), side: Int, output: ImageSize) -> LabelImage {
        let scores = scores(tokens)
        let input = ImageSize(height: side, width: side)
        let map = LinearSegmenter.labels(
            Variable(scores.reshaped([1, grid.height, grid.width, scores.shape[1]])), input: input,
            frame: PictureFrame(content: input, output: output))
        return LabelImage(height: output.height, width: output.width, values: map.labels.map(UInt16.init))
    }
}

/// Probes that give every pixel of a patch its label.
protocol PatchLabellingProbe: FittedSegmentationProbe {
    /// `(T, P)` of tokens `(T, C)`: the pixels of each patch row by row.
    func pixels(_ tokens: Tensor, pixelsPerPatch: Int) -> [UInt16]
}

extension PatchLabellingProbe {
    /// Labels at the backbone's input, taken to the picture's size by the nearest pixel.
    func labels(of tokens: Tensor, grid: (height: Int, width: Int), side: Int, output: ImageSize) -> LabelImage {
        let (tall, wide) = (side / grid.height, side / grid.width)
        let found = pixels(tokens, pixelsPerPatch: tall * wide)
        var map = LabelImage(height: side, width: side, values: [UInt16](repeating: 0, count: side * side))
        for y in 0..<side {
            for x in 0..<side {
                let patch = y / tall * grid.width + x / wide
                map.values[y * side + x] = found[patch * tall * wide + y % tall * wide + x % wide]
            }
        }
        return Resize.labels(map, to: (output.height, output.width))
    }
}
