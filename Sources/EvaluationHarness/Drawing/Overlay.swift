import Geometry
import ImageFiles

/// One object drawn over a picture: its frame, its mask as an outline over a tint, and a label.
struct OverlayMark {
    var box: Box?
    /// Left out where it has not the size of the picture that the object was found in.
    var mask: RLEMask?
    var colour: RGB
    var label = ""
    var isDashed = false
    var thickness = 1
    /// How far the mask's pixels are brought to the colour.
    var tint = 0.35
}

/// Boxes and masks drawn over a picture.
enum Overlay {
    /// - Parameters:
    ///   - original: the size that boxes and masks are of; the picture may show it smaller or larger.
    ///   - scale: of the labels' letters.
    static func draw(_ marks: [OverlayMark], original: ImageSize, on picture: inout Picture, scale: Int = 1) {
        let size = ImageSize(height: picture.height, width: picture.width)
        for mark in marks {
            if let mask = mark.mask, mask.size == original, mask.isComplete {
                picture.tint(mask.bitmap.resized(to: size), mark.colour, share: mark.tint)
            }
        }
        var taken: [Box] = []
        for mark in marks {
            guard let box = mark.box.map({ scaled($0, original, size) }) else { continue }
            picture.frame(box, mark.colour, thickness: mark.thickness, dash: mark.isDashed ? 4 * scale : nil)
        }
        // Labels come last, so that no frame crosses them; one that would hide another moves down.
        for mark in marks where !mark.label.isEmpty {
            guard let box = mark.box.map({ scaled($0, original, size) }) else { continue }
            label(mark.label, at: box, mark.colour, scale, on: &picture, &taken)
        }
    }

    private static func scaled(_ box: Box, _ original: ImageSize, _ size: ImageSize) -> Box {
        box.scaled(
            x: Double(size.width) / Double(original.width), y: Double(size.height) / Double(original.height))
    }

    private static func label(
        _ text: String, at box: Box, _ colour: RGB, _ scale: Int, on picture: inout Picture, _ taken: inout [Box]
    ) {
        let margin = scale
        let height = BitmapFont.height * scale + 2 * margin
        let width = (text.count * BitmapFont.advance - 1) * scale + 2 * margin
        func bounded(_ value: Double, _ limit: Int) -> Int {
            value.isNaN ? 0 : Int(min(max(value, 0), Double(max(limit, 0))))
        }
        let x = bounded(box.x0, picture.width - width)
        var y = bounded(box.y0 - Double(height), picture.height - height)
        func place() -> Box { Box(x0: Double(x), y0: Double(y), x1: Double(x + width), y1: Double(y + height)) }
        for _ in 0..<4 where taken.contains(where: { $0.intersection(place()).area > 0 }) {
            y = bounded(Double(y + height + 1), picture.height - height)
        }
        taken.append(place())
        picture.fill(rows: y..<y + height, columns: x..<x + width, colour)
        picture.letter(text, x: x + margin, y: y + margin, scale: scale, ink(on: colour))
    }

    /// Black on light colours, white on dark ones, by relative luminance.
    static func ink(on colour: RGB) -> RGB {
        let light = 0.299 * Double(colour.0) + 0.587 * Double(colour.1) + 0.114 * Double(colour.2)
        return light > 120 ? (0, 0, 0) : (255, 255, 255)
    }
}
