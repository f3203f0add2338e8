import ImageFiles

/// Pillow's `ImageOps` and `ImageEnhance`, to the last bit.
public enum PictureEnhancement {
    /// Each channel stretched to 0...255.
    public static func autoContrast(_ picture: inout Picture) {
        mapChannels(&picture) { histogram in
            guard let low = histogram.firstIndex(where: { $0 > 0 }), let high = histogram.lastIndex(where: { $0 > 0 }),
                high > low
            else { return nil }
            let scale = 255 / Double(high - low)
            let offset = -Double(low) * scale
            return (0..<256).map { UInt8(min(max(Int(Double($0) * scale + offset), 0), 255)) }
        }
    }

    /// Each channel's histogram made even.
    public static func equalize(_ picture: inout Picture) {
        mapChannels(&picture) { histogram in
            let filled = histogram.filter { $0 > 0 }
            guard filled.count > 1 else { return nil }
            let step = (filled.reduce(0, +) - filled[filled.count - 1]) / 255
            guard step > 0 else { return nil }
            var sum = step / 2
            return histogram.map { count in
                defer { sum += count }
                return UInt8(min(sum / step, 255))
            }
        }
    }

    public static func invert(_ picture: inout Picture) { map(&picture) { 255 - $0 } }

    /// The `bits` highest bits of each sample; 0 leaves nothing.
    public static func posterize(_ picture: inout Picture, bits: Int) {
        if bits >= 8 { return }
        let mask = ~UInt8(truncatingIfNeeded: (1 << (8 - bits)) - 1)
        map(&picture) { $0 & mask }
    }

    /// Samples of at least `threshold` are inverted.
    public static func solarize(_ picture: inout Picture, threshold: Int) {
        map(&picture) { Int($0) < threshold ? $0 : 255 - $0 }
    }

    /// `amount` added to samples below 128.
    public static func solarizeAdd(_ picture: inout Picture, amount: Int) {
        map(&picture) { $0 < 128 ? UInt8(min(255, Int($0) + amount)) : $0 }
    }

    /// Away from grey: 0 is grey, 1 the picture.
    public static func colour(_ picture: inout Picture, factor: Double) {
        blend(&picture, factor) { pixels, n in
            let first = n - n % 3
            return ColourTransform.luma(pixels[first], pixels[first + 1], pixels[first + 2])
        }
    }

    /// Away from the mean luma.
    public static func contrast(_ picture: inout Picture, factor: Double) {
        var sum = 0
        let pixels = picture.pixels
        for n in stride(from: 0, to: pixels.count, by: 3) {
            sum += Int(ColourTransform.luma(pixels[n], pixels[n + 1], pixels[n + 2]))
        }
        let mean = UInt8(Double(sum) / Double(pixels.count / 3) + 0.5)
        blend(&picture, factor) { _, _ in mean }
    }

    /// Away from black.
    public static func brightness(_ picture: inout Picture, factor: Double) { blend(&picture, factor) { _, _ in 0 } }

    /// Away from a smoothed picture: 3x3, the middle five times, the border as it is.
    public static func sharpness(_ picture: inout Picture, factor: Double) {
        let (height, width) = (picture.height, picture.width)
        blend(&picture, factor) { pixels, n in
            let (y, x) = (n / 3 / width, n / 3 % width)
            if y == 0 || x == 0 || y == height - 1 || x == width - 1 { return pixels[n] }
            // In Pillow's order, in float.
            let side = 1 / Float(13)
            var sum: Float = 0.5
            for row in [1, 0, -1] {
                let middle = n + row * width * 3
                let centre = row == 0 ? Float(5) / 13 : side
                sum +=
                    Float(pixels[middle - 3]) * side + Float(pixels[middle]) * centre
                    + Float(pixels[middle + 3]) * side
            }
            return UInt8(min(max(sum, 0), 255))
        }
    }

    /// `degenerate + (picture − degenerate) · factor`, cut to whole samples downwards, as `Image.blend`.
    private static func blend(_ picture: inout Picture, _ factor: Double, _ degenerate: ([UInt8], Int) -> UInt8) {
        let (pixels, alpha) = (picture.pixels, Float(factor))
        for n in pixels.indices {
            let from = degenerate(pixels, n)
            let value = Float(from) + alpha * Float(Int(pixels[n]) - Int(from))
            picture.pixels[n] = value <= 0 ? 0 : value >= 255 ? 255 : UInt8(value)
        }
    }

    private static func map(_ picture: inout Picture, _ body: (UInt8) -> UInt8) {
        let table = (0...255).map { body(UInt8($0)) }
        for n in picture.pixels.indices { picture.pixels[n] = table[Int(picture.pixels[n])] }
    }

    /// A table for each channel, made from its histogram; nil leaves the channel.
    private static func mapChannels(_ picture: inout Picture, _ table: ([Int]) -> [UInt8]?) {
        for channel in 0..<3 {
            var histogram = [Int](repeating: 0, count: 256)
            for n in stride(from: channel, to: picture.pixels.count, by: 3) { histogram[Int(picture.pixels[n])] += 1 }
            guard let table = table(histogram) else { continue }
            for n in stride(from: channel, to: picture.pixels.count, by: 3) {
                picture.pixels[n] = table[Int(picture.pixels[n])]
            }
        }
    }
}
