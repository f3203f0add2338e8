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

    /// The source range and fixed-point weights (22 bits) of each output position.
    struct Taps {
        var first: [Int]
        var weights: [[Int32]]
        static let bits: Int32 = 22

        init(from source: Int, to target: Int, _ filter: Filter) {
            first = []
            weights = []
            let scale = Double(source) / Double(target)
            let spread = filter == .bilinear ? 1 : max(scale, 1)
            let shrink = 1 / spread
            for position in 0..<target {
                let centre = (Double(position) + 0.5) * scale
                var low = Int(centre - filter.support * spread + 0.5)
                if centre - filter.support * spread + 0.5 < 0 { low = 0 }
                let high = min(Int(centre + filter.support * spread + 0.5), source)
                var row = (low..<max(high, low + 1)).map { filter.weight((Double($0) - centre + 0.5) * shrink) }
                let sum = row.reduce(0, +)
                if sum != 0 { row = row.map { $0 / sum } }
                first.append(low)
                weights.append(row.map { Int32(($0 * Double(1 << Self.bits)).rounded(.toNearestOrAwayFromZero)) })
            }
        }
    }

    /// - Parameters:
    ///   - size: height and width of the result.
    /// - Accuracy: the antialiased filters give Pillow 11.3's bytes (along rows first, 22-bit weights, an 8-bit picture
    ///   between the passes). Pillow 13 takes columns first in some cases; single samples then differ by one.
    public static func picture(_ source: Picture, to size: (height: Int, width: Int), _ filter: Filter) -> Picture {
        precondition(size.height > 0 && size.width > 0, "resize to (\(size.height), \(size.width))")
        if size == (source.height, source.width) { return source }
        var middle = source.pixels
        if size.width != source.width {
            middle = alongRows(source, Taps(from: source.width, to: size.width, filter))
        }
        if size.height != source.height {
            middle = alongColumns(
                middle, rowSamples: size.width * 3, Taps(from: source.height, to: size.height, filter))
        }
        return Picture(height: size.height, width: size.width, pixels: middle)
    }

    private static func alongRows(_ source: Picture, _ taps: Taps) -> [UInt8] {
        let width = taps.first.count
        return [UInt8](unsafeUninitializedCapacity: source.height * width * 3) { output, count in
            source.pixels.withUnsafeBufferPointer { input in
                for x in 0..<width {
                    taps.weights[x].withUnsafeBufferPointer { weights in
                        for y in 0..<source.height {
                            let start = (y * source.width + taps.first[x]) * 3
                            var (r, g, b): (Int32, Int32, Int32) = (half, half, half)
                            for n in 0..<weights.count {
                                r &+= Int32(input[start + 3 * n]) &* weights[n]
                                g &+= Int32(input[start + 3 * n + 1]) &* weights[n]
                                b &+= Int32(input[start + 3 * n + 2]) &* weights[n]
                            }
                            let target = (y * width + x) * 3
                            output[target] = clip(r)
                            output[target + 1] = clip(g)
                            output[target + 2] = clip(b)
                        }
                    }
                }
            }
            count = source.height * width * 3
        }
    }

    private static func alongColumns(_ source: [UInt8], rowSamples: Int, _ taps: Taps) -> [UInt8] {
        let height = taps.first.count
        return [UInt8](unsafeUninitializedCapacity: height * rowSamples) { output, count in
            source.withUnsafeBufferPointer { input in
                for y in 0..<height {
                    taps.weights[y].withUnsafeBufferPointer { weights in
                        let start = taps.first[y] * rowSamples
                        for x in 0..<rowSamples {
                            var sum = half
                            for n in 0..<weights.count {
                                sum &+= Int32(input[start + n * rowSamples + x]) &* weights[n]
                            }
                            output[y * rowSamples + x] = clip(sum)
                        }
                    }
                }
            }
            count = height * rowSamples
        }
    }

    private static var half: Int32 { 1 << (Taps.bits - 1) }

    @inline(__always)
    private static func clip(_ sum: Int32) -> UInt8 { UInt8(min(max(sum >> Taps.bits, 0), 255)) }

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
