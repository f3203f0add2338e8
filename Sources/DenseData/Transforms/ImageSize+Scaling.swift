import Geometry

extension ImageSize {
    /// The factor that brings the short side to a length; a smaller one where the long side would pass its limit.
    ///
    /// - Source: mmcv's `rescale_size((long, short))`.
    public func scale(shortSide: Int, longSide: Int) -> Double {
        min(Double(shortSide) / Double(min(height, width)), Double(longSide) / Double(max(height, width)))
    }

    /// Each side times a factor, to the nearest pixel, at least one.
    public func scaled(by factor: Double) -> ImageSize {
        func side(_ length: Int) -> Int { max(1, Int(Double(length) * factor + 0.5)) }
        return ImageSize(height: side(height), width: side(width))
    }
}
