import Determinism
import Foundation
import ImageFiles

/// Colour changes of 8-bit pictures. Each step rounds and clips to 8 bits, as the tools they follow do.
public enum ColourTransform {
    /// ITU-R 601 luma of a pixel, 0...255, in Pillow's fixed-point arithmetic.
    @inline(__always)
    static func luma(_ r: UInt8, _ g: UInt8, _ b: UInt8) -> UInt8 {
        let sum: UInt32 = UInt32(r) &* 19595 &+ UInt32(g) &* 38470 &+ UInt32(b) &* 7471 &+ 0x8000
        return UInt8(truncatingIfNeeded: sum >> 16)
    }

    /// Every channel becomes the luma.
    public static func greyscale(_ picture: inout Picture) {
        forEachPixel(&picture) { r, g, b in
            let grey = luma(r, g, b)
            return (grey, grey, grey)
        }
    }

    /// Samples of at least `threshold` are inverted.
    public static func solarize(_ picture: inout Picture, threshold: UInt8 = 128) {
        map(&picture) { $0 >= threshold ? 255 - $0 : $0 }
    }

    /// Samples times `factor`.
    public static func brightness(_ picture: inout Picture, factor: Double) {
        map(&picture) { clip(Double($0) * factor) }
    }

    /// Samples moved from the picture's mean luma: `mean + (v - mean) * factor`.
    public static func contrast(_ picture: inout Picture, factor: Double) {
        var sum = 0
        let count = picture.height * picture.width
        for n in 0..<count {
            sum += Int(luma(picture.pixels[3 * n], picture.pixels[3 * n + 1], picture.pixels[3 * n + 2]))
        }
        let mean = (Double(sum) / Double(count)).rounded()
        map(&picture) { clip(mean + (Double($0) - mean) * factor) }
    }

    /// Samples moved from their own luma.
    public static func saturation(_ picture: inout Picture, factor: Double) {
        forEachPixel(&picture) { r, g, b in
            let grey = Double(luma(r, g, b))
            return (
                clip(grey + (Double(r) - grey) * factor), clip(grey + (Double(g) - grey) * factor),
                clip(grey + (Double(b) - grey) * factor)
            )
        }
    }

    /// Hue turned by `turns` (1 is once around), saturation and value kept.
    public static func hue(_ picture: inout Picture, turns: Double) {
        forEachPixel(&picture) { r, g, b in
            let (hue, saturation, value) = hsv(r, g, b)
            return rgb(hue + turns, saturation, value)
        }
    }

    /// Hue in turns, saturation and value in 0...1.
    static func hsv(_ r: UInt8, _ g: UInt8, _ b: UInt8) -> (hue: Double, saturation: Double, value: Double) {
        let high = max(r, g, b)
        let spread = Double(high - min(r, g, b))
        guard spread > 0 else { return (0, 0, Double(high) / 255) }
        let (red, green, blue) = (Double(r), Double(g), Double(b))
        let sixth: Double =
            high == r ? (green - blue) / spread : high == g ? 2 + (blue - red) / spread : 4 + (red - green) / spread
        return ((sixth < 0 ? sixth + 6 : sixth) / 6, spread / Double(high), Double(high) / 255)
    }

    static func rgb(_ hue: Double, _ saturation: Double, _ value: Double) -> (UInt8, UInt8, UInt8) {
        let turn: Double = (hue - hue.rounded(.down)) * 6
        let sector = min(Int(turn), 5)
        let part: Double = turn - Double(sector)
        let top: Double = value * 255
        let (p, q, t) = (
            clip(top * (1 - saturation)), clip(top * (1 - saturation * part)), clip(top * (1 - saturation * (1 - part)))
        )
        let v = clip(top)
        switch sector {
        case 0: return (v, t, p)
        case 1: return (q, v, p)
        case 2: return (p, v, t)
        case 3: return (p, q, v)
        case 4: return (t, p, v)
        default: return (v, p, q)
        }
    }

    /// Gaussian blur of standard deviation `sigma` pixels; the kernel reaches 3 sigma, the border is repeated.
    public static func blur(_ picture: inout Picture, sigma: Double) {
        precondition(sigma > 0, "blur sigma \(sigma): must be positive")
        let reach = max(1, Int((3 * sigma).rounded(.up)))
        var weights = (-reach...reach).map { exp(-Double($0 * $0) / (2 * sigma * sigma)) }
        let sum = weights.reduce(0, +)
        weights = weights.map { $0 / sum }
        let kernel = weights.map(Float.init)
        let (height, width) = (picture.height, picture.width)
        var middle = [Float](repeating: 0, count: picture.pixels.count)
        for y in 0..<height {
            for x in 0..<width {
                for n in -reach...reach {
                    let from = (y * width + min(max(x + n, 0), width - 1)) * 3
                    for c in 0..<3 {
                        middle[(y * width + x) * 3 + c] += kernel[n + reach] * Float(picture.pixels[from + c])
                    }
                }
            }
        }
        var row = [Float](repeating: 0, count: width * 3)
        for y in 0..<height {
            for n in row.indices { row[n] = 0 }
            for n in -reach...reach {
                let from = min(max(y + n, 0), height - 1) * width * 3
                for x in row.indices { row[x] += kernel[n + reach] * middle[from + x] }
            }
            for x in row.indices { picture.pixels[y * width * 3 + x] = clip(Double(row[x])) }
        }
    }

    @inline(__always)
    static func clip(_ value: Double) -> UInt8 { UInt8(min(max(value.rounded(), 0), 255)) }

    /// Applies a function of one sample through a table.
    private static func map(_ picture: inout Picture, _ body: (UInt8) -> UInt8) {
        let table = (0...255).map { body(UInt8($0)) }
        for n in picture.pixels.indices { picture.pixels[n] = table[Int(picture.pixels[n])] }
    }

    @inline(__always)
    private static func forEachPixel(_ picture: inout Picture, _ body: (UInt8, UInt8, UInt8) -> (UInt8, UInt8, UInt8)) {
        picture.pixels.withUnsafeMutableBufferPointer { samples in
            for n in stride(from: 0, to: samples.count, by: 3) {
                (samples[n], samples[n + 1], samples[n + 2]) = body(samples[n], samples[n + 1], samples[n + 2])
            }
        }
    }
}

/// Random brightness, contrast, saturation and hue, in a random order.
///
/// - Source: torchvision `ColorJitter`: factors uniform in `1 - s ... 1 + s` (not below 0), hue shift uniform in `-h ... h` turns.
public struct ColourJitter: Sendable, Hashable {
    public var brightness, contrast, saturation, hue: Double
    public var probability: Double

    public init(brightness: Double, contrast: Double, saturation: Double, hue: Double, probability: Double = 1) {
        self.brightness = brightness
        self.contrast = contrast
        self.saturation = saturation
        self.hue = hue
        self.probability = probability
    }

    public func apply(to picture: inout Picture, _ stream: inout RandomStream) {
        guard stream.chance(probability) else { return }
        func factor(_ strength: Double) -> Double { stream.uniform(max(0, 1 - strength)...(1 + strength)) }
        for step in stream.permutation(4) {
            switch step {
            case 0: if brightness > 0 { ColourTransform.brightness(&picture, factor: factor(brightness)) }
            case 1: if contrast > 0 { ColourTransform.contrast(&picture, factor: factor(contrast)) }
            case 2: if saturation > 0 { ColourTransform.saturation(&picture, factor: factor(saturation)) }
            default: if hue > 0 { ColourTransform.hue(&picture, turns: stream.uniform(-hue...hue)) }
            }
        }
    }
}

/// mmsegmentation's photometric distortion: each change with probability 1/2, rounded to 8 bits after every step.
///
/// Brightness +-32; contrast 0.5...1.5 (plain multiplication, before or after the colour steps by a coin); saturation
/// 0.5...1.5; hue -18...17 of 180 steps.
public struct PhotometricDistortion: Sendable, Hashable {
    public init() {}

    public func apply(to picture: inout Picture, _ stream: inout RandomStream) {
        if stream.chance(0.5) {
            let shift = stream.uniform(-32...32)
            for n in picture.pixels.indices {
                picture.pixels[n] = ColourTransform.clip(Double(picture.pixels[n]) + shift)
            }
        }
        let isContrastFirst = stream.chance(0.5)
        if isContrastFirst && stream.chance(0.5) {
            ColourTransform.brightness(&picture, factor: stream.uniform(0.5...1.5))
        }
        if stream.chance(0.5) { scaleSaturation(&picture, stream.uniform(0.5...1.5)) }
        if stream.chance(0.5) {
            ColourTransform.hue(&picture, turns: Double(stream.int(below: 36) - 18) / 180)
        }
        if !isContrastFirst && stream.chance(0.5) {
            ColourTransform.brightness(&picture, factor: stream.uniform(0.5...1.5))
        }
    }

    /// The S of HSV times `factor`, cut at full saturation.
    private func scaleSaturation(_ picture: inout Picture, _ factor: Double) {
        for n in stride(from: 0, to: picture.pixels.count, by: 3) {
            let (hue, saturation, value) = ColourTransform.hsv(
                picture.pixels[n], picture.pixels[n + 1], picture.pixels[n + 2])
            (picture.pixels[n], picture.pixels[n + 1], picture.pixels[n + 2]) = ColourTransform.rgb(
                hue, min(saturation * factor, 1), value)
        }
    }
}
