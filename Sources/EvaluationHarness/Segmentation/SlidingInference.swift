import Autograd
import DenseData
import DenseHeads
import Geometry
import ImageFiles

/// Predicts a picture window by window.
struct SlidingInference {
    /// `nil`: one window of the picture's size.
    let grid: WindowGrid?
    /// Windows that run together.
    let batchSize: Int
    /// Whether probabilities are resized to the output, rather than logits.
    var softmaxFirst = false

    /// Logits or probabilities at the size of the output, `(1, H, W, K)`.
    ///
    /// - Parameter picture: at the size the model is shown.
    func values(_ model: SegmentationModel, _ picture: Picture, output: ImageSize) -> Variable {
        let size = ImageSize(height: picture.height, width: picture.width)
        let windows = grid?.windows(of: size) ?? [Window(height: size.height, width: size.width)]
        let content = ImageSize(height: windows[0].height, width: windows[0].width)
        let input = model.inputSize(of: content)
        var sums = WindowedLogits(size: size, classCount: model.architecture.classCount)
        for start in stride(from: 0, to: windows.count, by: batchSize) {
            let part = windows[start..<min(start + batchSize, windows.count)]
            let images = Normalisation.imageNet.batch(
                part.map { Self.padded($0.cut(picture), to: input) },
                contents: part.map { _ in (content.height, content.width) })
            let logits = model.logits(Variable(images))
            for (place, window) in part.enumerated() {
                let one = logits.sliced(axis: 0, place..<place + 1)
                if windows.count == 1 {
                    return LinearSegmenter.values(
                        one, input: input, frame: PictureFrame(content: content, output: output),
                        softmaxFirst: softmaxFirst)
                }
                sums.add(one, input: input, content: content, top: window.top, left: window.left)
            }
        }
        return sums.values(output: output, softmaxFirst: softmaxFirst)
    }

    /// The picture in the top left corner of a larger one.
    private static func padded(_ picture: Picture, to size: ImageSize) -> Picture {
        if picture.height == size.height && picture.width == size.width { return picture }
        var pixels = [UInt8](repeating: 0, count: size.pixelCount * 3)
        for y in 0..<picture.height {
            let row = y * picture.width * 3
            let target = y * size.width * 3
            pixels.replaceSubrange(
                target..<target + picture.width * 3, with: picture.pixels[row..<row + picture.width * 3])
        }
        return Picture(height: size.height, width: size.width, pixels: pixels)
    }
}
