import DenseData
import Geometry
import ImageFiles

/// Pictures brought to a network's input size.
enum PictureFit {
    /// Short side to `side`, then the middle square; pictures of that size stay as they are.
    static func square(_ picture: Picture, side: Int) -> Picture {
        if picture.height == side && picture.width == side { return picture }
        let size = ImageSize(height: picture.height, width: picture.width)
        return Framing(of: size, shortSide: side, centreCrop: side).picture(picture, filter: .bilinearAntialiased)
    }
}
