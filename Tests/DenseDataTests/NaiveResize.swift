import ImageFiles

@testable import DenseData

/// The twin of the fast resize: one sample after the other, with the weights computed in the plainest way.
enum NaiveResize {
    /// The source range and fixed-point weights (22 bits) of each output position.
    struct Taps {
        var first: [Int]
        var weights: [[Int32]]
        static let bits: Int32 = 22

        init(from source: Int, to target: Int, _ filter: Resize.Filter) {
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

    static func picture(_ source: Picture, to size: (height: Int, width: Int), _ filter: Resize.Filter) -> Picture {
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
}

extension Framing {
    /// Cut, resize, cut, mirror and pad one after the other: the twin of `picture`.
    func naivePicture(_ picture: Picture, filter: Resize.Filter, fill: (UInt8, UInt8, UInt8)) -> Picture {
        let kept = crop.cut(NaiveResize.picture(source.cut(picture), to: (resized.height, resized.width), filter))
        var result = Picture(height: output.height, width: output.width, filledWith: fill)
        for y in 0..<kept.height {
            for x in 0..<kept.width {
                let from = (y * kept.width + (isMirrored ? kept.width - 1 - x : x)) * 3
                let to = (y * output.width + x) * 3
                for channel in 0..<3 { result.pixels[to + channel] = kept.pixels[from + channel] }
            }
        }
        return result
    }
}
