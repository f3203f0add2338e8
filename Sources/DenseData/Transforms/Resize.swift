import ImageFiles

/// Resizing of 8-bit pictures and labels.
///
/// The filter changes results downstream (tokens differ between OpenCV and Pillow pipelines), so it is always named.
public enum Resize {
    public enum Filter: String, Sendable, CaseIterable {
        /// Triangle filter widened when shrinking: Pillow's and torchvision's antialiased bilinear.
        case bilinearAntialiased = "bilinear-antialiased"
        /// Keys' cubic with a = -1/2, widened when shrinking: Pillow's bicubic.
        case bicubicAntialiased = "bicubic-antialiased"
        /// Two taps an axis, never widened: OpenCV's bilinear, to within one grey level.
        case bilinear

        var support: Double { self == .bicubicAntialiased ? 2 : 1 }

        /// The kernel's value at distance `x`, before normalisation.
        func weight(_ x: Double) -> Double {
            let a = abs(x)
            if self != .bicubicAntialiased { return a < 1 ? 1 - a : 0 }
            if a < 1 { return (1.5 * a - 2.5) * a * a + 1 }
            return a < 2 ? ((-0.5 * a + 2.5) * a - 4) * a + 2 : 0
        }
    }

    /// - Parameters:
    ///   - size: height and width of the result.
    /// - Accuracy: the antialiased filters give Pillow 11.3's bytes (along rows first, 22-bit weights, an 8-bit picture
    ///   between the passes). Pillow 13 takes columns first in some cases; single samples then differ by one.
    public static func picture(_ source: Picture, to size: (height: Int, width: Int), _ filter: Filter) -> Picture {
        precondition(size.height > 0 && size.width > 0, "resize to (\(size.height), \(size.width))")
        if size == (source.height, source.width) { return source }
        let rows = ResizeTaps(from: source.height, to: size.height, filter)
        let columns = ResizeTaps(from: source.width, to: size.width, filter)
        let pixels = [UInt8](unsafeUninitializedCapacity: size.height * size.width * 3) { output, count in
            ResizeTaps.apply(rows, columns, to: source, output: output.baseAddress!, stride: size.width * 3)
            count = size.height * size.width * 3
        }
        return Picture(height: size.height, width: size.width, pixels: pixels)
    }

    /// Labels by the source pixel that holds the centre of each result pixel; no label is ever mixed.
    public static func labels(_ source: LabelImage, to size: (height: Int, width: Int)) -> LabelImage {
        precondition(size.height > 0 && size.width > 0, "resize to (\(size.height), \(size.width))")
        if size == (source.height, source.width) { return source }
        let columns = nearest(from: source.width, to: size.width)
        var values: [UInt16] = []
        values.reserveCapacity(size.height * size.width)
        for row in nearest(from: source.height, to: size.height) {
            for column in columns { values.append(source.values[row * source.width + column]) }
        }
        return LabelImage(height: size.height, width: size.width, values: values)
    }

    /// The source index under each target centre: floor((t + 1/2) * source / target), in integers.
    static func nearest(from source: Int, to target: Int) -> [Int] {
        (0..<target).map { (2 * $0 + 1) * source / (2 * target) }
    }
}
