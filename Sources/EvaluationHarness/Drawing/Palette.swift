import ImageFiles
import Reporting

/// Colours of classes, the same in every picture: hues a golden section apart, three levels of brightness.
enum Palette {
    static func colour(_ label: Int) -> (UInt8, UInt8, UInt8) {
        let hue = (Double(label) * 0.618_033_988_749_895).truncatingRemainder(dividingBy: 1)
        let value = [0.95, 0.7, 0.85][label % 3]
        let saturation = [0.75, 0.9, 0.55][label / 3 % 3]
        func channel(_ offset: Double) -> UInt8 {
            let turn = (hue * 6 + offset).truncatingRemainder(dividingBy: 6)
            let ramp = min(max(min(turn, 4 - turn), 0), 1)
            return UInt8((255 * value * (1 - saturation * ramp)).rounded())
        }
        return (channel(5), channel(3), channel(1))
    }

    /// Detections and objects by what becomes of them; told apart without colour vision too (Okabe and Ito), and by the
    /// kind of line.
    static let right: RGB = (0, 158, 115)
    static let wrong: RGB = (213, 94, 0)
    static let missed: RGB = (240, 228, 66)
    static let excused: RGB = (160, 160, 160)
    /// Pixels that are predicted as no class.
    static let unclassified: RGB = (204, 121, 167)

    /// A line of a key.
    static func entry(_ name: String, _ colour: RGB) -> ColourKey.Entry {
        ColourKey.Entry(name: name, red: colour.0, green: colour.1, blue: colour.2)
    }

    /// A label map as a picture; ignored pixels are black.
    static func paint(_ map: LabelImage, ignore: UInt16?) -> Picture {
        var picture = Picture(height: map.height, width: map.width)
        for (pixel, label) in map.values.enumerated() where label != ignore {
            let (r, g, b) = colour(Int(label))
            (picture.pixels[3 * pixel], picture.pixels[3 * pixel + 1], picture.pixels[3 * pixel + 2]) = (r, g, b)
        }
        return picture
    }
}
