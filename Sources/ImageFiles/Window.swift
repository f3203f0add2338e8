/// A rectangle of whole pixels.
public struct Window: Sendable, Hashable {
    public var top, left, height, width: Int

    public init(top: Int, left: Int, height: Int, width: Int) {
        self.top = top
        self.left = left
        self.height = height
        self.width = width
    }

    /// The whole of a picture.
    public init(height: Int, width: Int) { self.init(top: 0, left: 0, height: height, width: width) }

    /// - Precondition: the window lies inside the picture.
    public func cut(_ picture: Picture) -> Picture {
        check(picture.height, picture.width)
        if height == picture.height && width == picture.width { return picture }
        var pixels: [UInt8] = []
        pixels.reserveCapacity(height * width * 3)
        for row in top..<top + height {
            let start = (row * picture.width + left) * 3
            pixels += picture.pixels[start..<start + width * 3]
        }
        return Picture(height: height, width: width, pixels: pixels)
    }

    /// - Precondition: the window lies inside the labels.
    public func cut(_ labels: LabelImage) -> LabelImage {
        check(labels.height, labels.width)
        if height == labels.height && width == labels.width { return labels }
        var values: [UInt16] = []
        values.reserveCapacity(height * width)
        for row in top..<top + height {
            let start = row * labels.width + left
            values += labels.values[start..<start + width]
        }
        return LabelImage(height: height, width: width, values: values)
    }

    func check(_ pictureHeight: Int, _ pictureWidth: Int) {
        precondition(
            top >= 0 && left >= 0 && height > 0 && width > 0 && top + height <= pictureHeight
                && left + width <= pictureWidth,
            "window \(self) in a picture of (\(pictureHeight), \(pictureWidth))")
    }
}
