import Geometry
import ImageFiles

/// Boxes and masks drawn over a picture.
enum Overlay {
    /// A one-pixel frame, and the mask's pixels mixed with the colour.
    static func draw(_ box: Box, mask: RLEMask?, colour: (UInt8, UInt8, UInt8), on picture: inout Picture) {
        if let mask {
            let bitmap = mask.bitmap
            for y in 0..<picture.height {
                for x in 0..<picture.width where bitmap[y, x] { mix(y, x, colour, on: &picture) }
            }
        }
        let left = min(max(Int(box.x0), 0), picture.width - 1), right = min(max(Int(box.x1), 0), picture.width - 1)
        let top = min(max(Int(box.y0), 0), picture.height - 1), bottom = min(max(Int(box.y1), 0), picture.height - 1)
        guard left <= right, top <= bottom else { return }
        for x in left...right {
            set(top, x, colour, on: &picture)
            set(bottom, x, colour, on: &picture)
        }
        for y in top...bottom {
            set(y, left, colour, on: &picture)
            set(y, right, colour, on: &picture)
        }
    }

    private static func set(_ y: Int, _ x: Int, _ colour: (UInt8, UInt8, UInt8), on picture: inout Picture) {
        let at = (y * picture.width + x) * 3
        (picture.pixels[at], picture.pixels[at + 1], picture.pixels[at + 2]) = colour
    }

    private static func mix(_ y: Int, _ x: Int, _ colour: (UInt8, UInt8, UInt8), on picture: inout Picture) {
        let at = (y * picture.width + x) * 3
        for (channel, value) in [colour.0, colour.1, colour.2].enumerated() {
            picture.pixels[at + channel] = UInt8((Int(picture.pixels[at + channel]) + Int(value)) / 2)
        }
    }
}
