import Determinism

/// One region of ground: its kind, colours and texture parameters. Coordinates are drawing units, 192 a side.
struct StuffRegion {
    let kind: StuffKind
    private let base: SceneColour
    private let accent: SceneColour
    private let strength: Float
    private let scale: Float
    private let offset: (x: Float, y: Float)
    private let turn: (cosine: Float, sine: Float)

    /// Hue typical in 45 % of cases, else any; texture always there, but faint in one case of seven.
    init(_ kind: StuffKind, _ stream: inout RandomStream) {
        self.kind = kind
        let typical = kind.typicalColour
        if stream.chance(0.45) {
            base = SceneColour(
                hue: typical.hue + stream.uniform(-0.03...0.03),
                saturation: typical.saturation * stream.uniform(0.7...1.2),
                value: min(typical.value * stream.uniform(0.85...1.15), 1))
            accent = kind.accent
        } else {
            base = SceneColour(
                hue: stream.uniform(), saturation: stream.uniform(0.1...0.5), value: stream.uniform(0.4...0.85))
            accent = kind.accent.mixed(base, Float(stream.uniform(0.2...0.5)))
        }
        strength = Float(stream.uniform(1.0...1.5))
        scale = Float(1 / stream.uniform(0.8...1.35))
        offset = (Float(stream.uniform(0...64)), Float(stream.uniform(0...64)))
        let span: Double = kind == .field ? 0.11 : kind == .paving ? 0.12 : 0.015
        let angle = Float(stream.uniform(-span...span))
        turn = (SceneNoise.cosine(turns: angle), SceneNoise.sine(turns: angle))
    }

    /// The colour at a point.
    @inline(__always)
    func colour(_ px: Float, _ py: Float, _ noise: SceneNoise) -> SceneColour {
        let x: Float = (px * turn.cosine - py * turn.sine) * scale
        let y: Float = (px * turn.sine + py * turn.cosine) * scale
        let (tone, share) = texture(x, y, py, noise)
        return base.scaled(1 + tone * strength).mixed(accent, min(max(share * strength, 0), 0.9))
    }

    /// Brightness change and share of the accent colour.
    @inline(__always)
    private func texture(_ x: Float, _ y: Float, _ py: Float, _ noise: SceneNoise) -> (tone: Float, share: Float) {
        let (nx, ny) = (x + offset.x * 16, y + offset.y * 16)
        switch kind {
        case .sky:
            let cloud: Float = noise.value(nx / 44, ny / 18) * 0.65 + noise.value(nx / 15, ny / 8) * 0.35
            return (0.22 * (py / 192 - 0.4), 0.85 * SceneNoise.step(0.5, 0.75, cloud))
        case .wall:
            let row = (y / 8).rounded(.down)
            let shifted: Float = x / 18 + (Int(row) & 1 == 0 ? 0 : 0.5)
            let column = shifted.rounded(.down)
            let joint: Bool = y / 8 - row < 0.17 || shifted - column < 0.085
            return joint ? (0, 0.8) : ((noise.cell(Int(column) + 7, Int(row) + 3) - 0.5) * 0.5, 0)
        case .forest:
            let clump: Float = noise.value(nx / 10, ny / 9)
            let leaf: Float = noise.value(nx / 3.2, ny / 3.2)
            let gap: Float = 1 - SceneNoise.step(0.18, 0.5, clump)
            return ((SceneNoise.step(0.35, 0.7, clump) - 0.4) * 0.6 + (leaf - 0.5) * 0.8, 0.75 * gap)
        case .grass:
            let sway: Float = noise.value(nx / 24, ny / 24) * 4
            let blade: Float = noise.value((nx + sway) / 1.9, ny / 11)
            return ((blade - 0.5) * 0.95, 0.45 * SceneNoise.step(0.72, 0.95, blade))
        case .water:
            let wave: Float = y / 9 + 1.3 * noise.value(nx / 26, ny / 12)
            let crest = SceneNoise.sine(turns: wave)
            return (0.26 * crest, 0.7 * SceneNoise.step(0.72, 1, crest))
        case .sand:
            let grain: Float = noise.value(nx / 1.3, ny / 1.3)
            let dune = SceneNoise.sine(turns: y / 46 + 0.9 * noise.value(nx / 50, ny / 40))
            return (0.1 * dune + (grain - 0.5) * 0.25, 0.5 * SceneNoise.step(0.78, 0.95, grain))
        case .paving:
            let (column, row) = ((x / 17).rounded(.down), (y / 17).rounded(.down))
            let joint: Bool = x / 17 - column < 0.1 || y / 17 - row < 0.1
            return joint ? (0, 0.85) : ((noise.cell(Int(column) + 31, Int(row) + 17) - 0.5) * 0.4, 0)
        case .field:
            let furrow = SceneNoise.sine(turns: x / 12 + 0.12 * noise.value(nx / 9, ny / 9))
            let crumb: Float = noise.value(nx / 2.2, ny / 2.2)
            return (0.25 * furrow + (crumb - 0.5) * 0.35, 0.75 * SceneNoise.step(0.1, 0.7, -furrow))
        }
    }
}

/// Two to four regions divided by wavy borders.
struct StuffLayout {
    let regions: [StuffRegion]
    private let normal: (x: Float, y: Float)
    /// Border k at tangent position s, sampled twice a unit from -300 to 300.
    private let borders: [[Float]]
    private static let reach = 300

    /// Borders are near horizontal in four of five scenes; kinds then follow their usual height most of the time.
    init(_ stream: inout RandomStream) {
        let count = 2 + min(stream.int(below: 4), 2)
        let level = stream.chance(0.8)
        let angle = Float(level ? stream.uniform(-0.035...0.035) : stream.uniform(0...1))
        normal = (SceneNoise.sine(turns: angle), SceneNoise.cosine(turns: angle))
        var kinds = stream.permutation(StuffKind.allCases.count).prefix(count).map { StuffKind(rawValue: $0)! }
        if level && stream.chance(0.8) { kinds.sort { $0.height < $1.height } }
        regions = kinds.map { StuffRegion($0, &stream) }
        // The picture's extent along the normal, cut into parts of at least 60 % of an even share.
        let corners: [Float] = [0, 192 * normal.x, 192 * normal.y, 192 * (normal.x + normal.y)]
        let (low, high) = (corners.min()!, corners.max()!)
        let shares = (0..<count).map { _ in stream.uniform(0.6...1.6) }
        let total = shares.reduce(0, +)
        var sum = 0.0
        var lines: [[Float]] = []
        for share in shares.dropLast() {
            sum += share
            let place: Float = low + (high - low) * Float(sum / total)
            let (slow, fast) = (Float(stream.uniform(4...12)), Float(stream.uniform(1...4)))
            let (slowRate, fastRate) = (Float(stream.uniform(0.004...0.012)), Float(stream.uniform(0.02...0.06)))
            let (slowPhase, fastPhase) = (Float(stream.uniform()), Float(stream.uniform()))
            lines.append(
                (0...4 * Self.reach).map { n in
                    let s: Float = Float(n) / 2 - Float(Self.reach)
                    let wave: Float = slow * SceneNoise.sine(turns: s * slowRate + slowPhase)
                    return place + wave + fast * SceneNoise.sine(turns: s * fastRate + fastPhase)
                })
        }
        borders = lines
    }

    /// The index of the region at a point.
    @inline(__always)
    func region(_ x: Float, _ y: Float) -> Int {
        let depth: Float = x * normal.x + y * normal.y
        let along: Float = x * normal.y - y * normal.x
        let place = min(max(Int((along + Float(Self.reach)) * 2), 0), 4 * Self.reach)
        var index = 0
        for border in borders where depth > border[place] { index += 1 }
        return index
    }
}
