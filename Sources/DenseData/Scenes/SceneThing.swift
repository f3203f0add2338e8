import Determinism

/// One thing: a shape with a texture, placed on the drawing. Units: 192 a side.
struct SceneThing {
    let kind: ThingKind
    let centre: (x: Float, y: Float)
    let halfSize: Float
    private let texture: ThingTexture
    private let base: SceneColour
    private let second: SceneColour
    private let stretch: Float
    private let turn: (cosine: Float, sine: Float)
    private let outlined: Bool

    /// Texture typical in 80 % of cases, hue in 45 %: neither alone tells the class, the shape always does.
    init(_ kind: ThingKind, centre: (x: Float, y: Float), halfSize: Float, _ stream: inout RandomStream) {
        self.kind = kind
        self.centre = centre
        self.halfSize = halfSize
        let other = ThingTexture(rawValue: stream.int(below: ThingTexture.allCases.count))!
        texture = stream.chance(0.8) ? kind.typicalTexture : other
        let anyHue = stream.uniform()
        let hue = stream.chance(0.45) ? kind.typicalHue + stream.uniform(-0.03...0.03) : anyHue
        let value = stream.uniform(0.6...0.98)
        let saturation = stream.uniform(0.6...0.95)
        base = SceneColour(hue: hue, saturation: saturation, value: value)
        second =
            value > 0.78
            ? SceneColour(hue: hue, saturation: saturation, value: value * 0.35)
            : SceneColour(hue: hue, saturation: saturation * 0.25, value: 0.97)
        stretch = Float(stream.uniform(0.82...1.22))
        let angle = Float(stream.uniform())
        turn = (SceneNoise.cosine(turns: angle), SceneNoise.sine(turns: angle))
        outlined = stream.chance(0.4)
    }

    /// No point of the thing is farther from the centre than this.
    var radius: Float { halfSize * 1.25 }

    /// A point in the thing's own frame, where the half-size is 1.
    @inline(__always)
    func local(_ x: Float, _ y: Float) -> (u: Float, v: Float) {
        let (dx, dy) = ((x - centre.x) / halfSize, (y - centre.y) / halfSize)
        return ((dx * turn.cosine + dy * turn.sine) * stretch, (dy * turn.cosine - dx * turn.sine) / stretch)
    }

    /// Directions of the five sides of a pentagram, and of three sides of a triangle.
    private static let fifths: [(Float, Float)] = (0..<5).map {
        (SceneNoise.cosine(turns: Float($0) / 5), SceneNoise.sine(turns: Float($0) / 5))
    }
    private static let thirds: [(Float, Float)] = (0..<3).map {
        (SceneNoise.cosine(turns: Float($0) / 3), SceneNoise.sine(turns: Float($0) / 3))
    }
    private static let spokes: [(Float, Float)] = (0..<5).map {
        (SceneNoise.cosine(turns: Float($0) / 10), SceneNoise.sine(turns: Float($0) / 10))
    }

    /// How far inside the shape a point of the own frame lies, about 0 at the border, negative outside.
    @inline(__always)
    func depth(_ u: Float, _ v: Float) -> Float {
        switch kind {
        case .disc: return 1 - (u * u + v * v).squareRoot()
        case .square: return 0.86 - max(abs(u), abs(v))
        case .ring:
            let distance = (u * u + v * v).squareRoot()
            return min(1 - distance, distance - 0.5)
        case .cross:
            let (a, b) = (abs(u), abs(v))
            return max(min(0.33 - a, 1 - b), min(0.33 - b, 1 - a))
        case .triangle:
            var least: Float = 1
            for side in Self.thirds { least = min(least, 0.56 - (u * side.0 + v * side.1)) }
            return least
        case .star:
            // Inside at least four of the five half-planes of a pentagram: the second smallest distance.
            var (least, second): (Float, Float) = (9, 9)
            for side in Self.fifths {
                let distance: Float = 0.36 - (u * side.0 + v * side.1)
                if distance < least { (least, second) = (distance, least) } else { second = min(second, distance) }
            }
            return second
        }
    }

    /// The colour at a point of the own frame, lit from the direction `light` (own length, pointing to the light).
    @inline(__always)
    func colour(_ u: Float, _ v: Float, depth: Float, offset: (x: Float, y: Float), light: (x: Float, y: Float))
        -> SceneColour
    {
        var colour = isSecond(u, v) ? second : base
        let glow: Float = (offset.x * light.x + offset.y * light.y) / halfSize
        colour = colour.scaled(1 + 0.3 * glow)
        if outlined && depth < 0.075 { colour = colour.scaled(0.4) }
        return colour
    }

    @inline(__always)
    private func isSecond(_ u: Float, _ v: Float) -> Bool {
        switch texture {
        case .plain: return false
        case .stripes: return fraction(u / 0.42) < 0.45
        case .checker: return (Int((u / 0.43).rounded(.down)) + Int((v / 0.43).rounded(.down))) & 1 == 0
        case .grid: return fraction(u / 0.33) < 0.26 || fraction(v / 0.33) < 0.26
        case .dots:
            let (a, b) = (fraction(u / 0.46) - 0.5, fraction(v / 0.46) - 0.5)
            return a * a + b * b < 0.09
        case .spokes:
            var odd = false
            for spoke in Self.spokes where u * spoke.1 - v * spoke.0 > 0 { odd.toggle() }
            return odd
        }
    }

    @inline(__always)
    private func fraction(_ x: Float) -> Float { x - x.rounded(.down) }
}
