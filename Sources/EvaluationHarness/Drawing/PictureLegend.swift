import ImageFiles
import Reporting

/// What colours mean, printed below a picture that stands alone.
enum PictureLegend {
    /// A white strip with squares of colour and their names, as many rows as they need.
    ///
    /// - Parameter scale: of the letters.
    static func strip(width: Int, _ entries: [ColourKey.Entry], scale: Int = 1) -> Picture {
        let (line, square, gap) = (11 * scale, BitmapFont.height * scale, 4 * scale)
        var places: [(x: Int, y: Int)] = []
        var (x, y) = (gap, gap)
        for entry in entries {
            let needed = square + gap + entry.name.count * BitmapFont.advance * scale + 2 * gap
            if x > gap && x + needed > width {
                x = gap
                y += line
            }
            places.append((x, y))
            x += needed
        }
        var strip = Picture(height: y + line, width: width, filledWith: (255, 255, 255))
        for (entry, place) in zip(entries, places) {
            strip.fill(
                rows: place.y..<place.y + square, columns: place.x..<place.x + square,
                (entry.red, entry.green, entry.blue))
            strip.letter(entry.name, x: place.x + square + gap, y: place.y, scale: scale, (0, 0, 0))
        }
        return strip
    }
}
