import Geometry
import ImageFiles

/// The windows of a sliding inference: squares of `crop` pixels every `stride` pixels, the last of each row and column
/// pulled back inside the picture; a picture smaller than a window has one of its own size.
///
/// - Source: mmsegmentation `encoder_decoder.py`, `slide_inference`.
public struct WindowGrid: Sendable, Hashable {
    public let crop: Int
    public let stride: Int

    /// - Precondition: `1 ≤ stride ≤ crop`, so that every pixel lies in a window.
    public init(crop: Int, stride: Int) {
        precondition(stride >= 1 && stride <= crop, "windows of \(crop) every \(stride): a stride from 1 to \(crop)")
        self.crop = crop
        self.stride = stride
    }

    /// Row by row; all of one size.
    public func windows(of size: ImageSize) -> [Window] {
        let (height, width) = (min(crop, size.height), min(crop, size.width))
        return starts(size.height).flatMap { top in
            starts(size.width).map { Window(top: top, left: $0, height: height, width: width) }
        }
    }

    /// First pixels of the windows along a side.
    private func starts(_ side: Int) -> [Int] {
        let count = (max(side - crop, 0) + stride - 1) / stride + 1
        return (0..<count).map { max(min($0 * stride + crop, side) - crop, 0) }
    }
}
