import Determinism
import ImageFiles

/// The drawing surface at twice the picture's size: colours and, for each pixel, what is visible there.
final class SceneCanvas {
    let side: Int
    /// Drawing units (192 a side) for each canvas pixel.
    let unit: Float
    /// Codes: 0 other, 1...8 stuff, `firstInstance + n` thing n.
    static let firstInstance: UInt16 = 16
    private let colours: UnsafeMutableBufferPointer<Float>
    private let codes: UnsafeMutableBufferPointer<UInt16>

    init(pictureSize: Int) {
        side = 2 * pictureSize
        unit = 192 / Float(side)
        colours = .allocate(capacity: side * side * 3)
        codes = .allocate(capacity: side * side)
        colours.initialize(repeating: 0)
        codes.initialize(repeating: 0)
    }

    deinit {
        colours.deallocate()
        codes.deallocate()
    }

    /// Covers the canvas with ground.
    func fill(_ layout: StuffLayout, _ noise: SceneNoise) {
        for row in 0..<side {
            let y: Float = (Float(row) + 0.5) * unit
            for column in 0..<side {
                let x: Float = (Float(column) + 0.5) * unit
                let region = layout.regions[layout.region(x, y)]
                put(region.colour(x, y, noise), row * side + column)
                codes[row * side + column] = UInt16(region.kind.rawValue + 1)
            }
        }
    }

    @inline(__always)
    private func put(_ colour: SceneColour, _ pixel: Int) {
        colours[3 * pixel] = colour.red
        colours[3 * pixel + 1] = colour.green
        colours[3 * pixel + 2] = colour.blue
    }

    /// Calls `body` with pixel index and centre for the canvas pixels in a square of the given radius (units).
    @inline(__always)
    private func forEachPixel(
        around centre: (x: Float, y: Float), radius: Float, _ body: (_ pixel: Int, _ x: Float, _ y: Float) -> Void
    ) {
        let rows = range(centre.y, radius)
        let columns = range(centre.x, radius)
        for row in rows {
            let y: Float = (Float(row) + 0.5) * unit
            for column in columns { body(row * side + column, (Float(column) + 0.5) * unit, y) }
        }
    }

    private func range(_ middle: Float, _ radius: Float) -> Range<Int> {
        let low = min(max(Int(((middle - radius) / unit).rounded(.down)), 0), side)
        let high = min(max(Int(((middle + radius) / unit).rounded(.up)), low), side)
        return low..<high
    }

    /// Darkens what lies where the thing's shadow falls.
    func castShadow(of thing: SceneThing, light: (x: Float, y: Float), strength: Float) {
        let shift: Float = 0.2 * thing.halfSize
        let centre = (x: thing.centre.x - light.x * shift, y: thing.centre.y - light.y * shift)
        forEachPixel(around: centre, radius: thing.radius) { pixel, x, y in
            let (u, v) = thing.local(x + light.x * shift, y + light.y * shift)
            guard thing.depth(u, v) >= 0 else { return }
            for channel in 3 * pixel..<3 * pixel + 3 { colours[channel] *= strength }
        }
    }

    /// Draws the thing as instance `index`; the number of canvas pixels it covers.
    func draw(_ thing: SceneThing, instance index: Int, light: (x: Float, y: Float)) -> Int {
        let code = Self.firstInstance + UInt16(index)
        var covered = 0
        forEachPixel(around: thing.centre, radius: thing.radius) { pixel, x, y in
            let (u, v) = thing.local(x, y)
            let depth = thing.depth(u, v)
            guard depth >= 0 else { return }
            let offset = (x: x - thing.centre.x, y: y - thing.centre.y)
            put(thing.colour(u, v, depth: depth, offset: offset, light: light), pixel)
            codes[pixel] = code
            covered += 1
        }
        return covered
    }

    /// A straight bar of no class.
    func drawBar(from a: (x: Float, y: Float), to b: (x: Float, y: Float), halfWidth: Float, _ colour: SceneColour) {
        let centre = (x: (a.x + b.x) / 2, y: (a.y + b.y) / 2)
        let (dx, dy) = (b.x - a.x, b.y - a.y)
        let length = max((dx * dx + dy * dy).squareRoot(), 1e-3)
        forEachPixel(around: centre, radius: length / 2 + halfWidth) { pixel, x, y in
            let along: Float = ((x - centre.x) * dx + (y - centre.y) * dy) / length
            let across: Float = ((x - centre.x) * dy - (y - centre.y) * dx) / length
            guard abs(along) <= length / 2, abs(across) <= halfWidth else { return }
            put(colour.scaled(1 - 0.25 * across / halfWidth), pixel)
            codes[pixel] = 0
        }
    }

    /// An irregular blob of no class.
    func drawBlob(at centre: (x: Float, y: Float), radius: Float, _ colour: SceneColour, _ noise: SceneNoise) {
        forEachPixel(around: centre, radius: radius * 1.5) { pixel, x, y in
            let (dx, dy) = ((x - centre.x) / radius, (y - centre.y) / radius)
            let edge: Float = 0.6 + 0.9 * noise.value(x / 9, y / 9)
            guard (dx * dx + dy * dy).squareRoot() <= edge else { return }
            put(colour.scaled(0.75 + 0.5 * noise.value(x / 3, y / 3)), pixel)
            codes[pixel] = 0
        }
    }

    /// Box-averages 2 x 2 canvas pixels, with light across the picture, a colour cast and noise.
    func picture(light: (x: Float, y: Float), cast: SceneColour, noise deviation: Float, _ stream: inout RandomStream)
        -> Picture
    {
        let size = side / 2
        let gains = [cast.red, cast.green, cast.blue]
        var samples = [UInt8](repeating: 0, count: size * size * 3)
        for row in 0..<size {
            for column in 0..<size {
                let (x, y) = (Float(column) / Float(size) - 0.5, Float(row) / Float(size) - 0.5)
                let shine: Float = 0.25 * (1 + 0.28 * (x * light.x + y * light.y))
                let first = 3 * (2 * row * side + 2 * column)
                // Triangular noise: the difference of two 10-bit fields a channel, deviation 1/sqrt(6).
                let bits = stream.next()
                for channel in 0..<3 {
                    let n = first + channel
                    let sum: Float = colours[n] + colours[n + 3] + colours[n + 3 * side] + colours[n + 3 * side + 3]
                    let a = Float(bits >> (20 * UInt64(channel)) & 1023)
                    let b = Float(bits >> (20 * UInt64(channel) + 10) & 1023)
                    let grain: Float = (a - b) * (deviation * 2.4494897 / 1024)
                    let value: Float = sum * shine * gains[channel] + grain
                    samples[3 * (row * size + column) + channel] = UInt8(min(max(value.rounded(), 0), 255))
                }
            }
        }
        return Picture(height: size, width: size, pixels: samples)
    }

    /// What each picture pixel shows: the code of most of its four canvas pixels, the frontmost of equals.
    func pictureCodes() -> [UInt16] {
        let size = side / 2
        return (0..<size * size).map { pixel in
            let first = 2 * (pixel / size) * side + 2 * (pixel % size)
            let four = (codes[first], codes[first + 1], codes[first + side], codes[first + side + 1])
            if four.0 == four.1 && four.0 == four.2 && four.0 == four.3 { return four.0 }
            var best = (count: 0, code: UInt16(0))
            for code in [four.0, four.1, four.2, four.3] {
                let count = [four.0, four.1, four.2, four.3].count { $0 == code }
                if (count, code) > best { best = (count, code) }
            }
            return best.code
        }
    }
}
