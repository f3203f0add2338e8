import Determinism
import ImageFiles

/// One drawn scene with exact labels and instance masks: a pure function of (seed, split, index, size).
///
/// Two to four regions of stuff with wavy borders; two to four things (more in one scene of four), back to front with
/// shadows, so that they hide each other; bars and blobs of no class; a light from one side, a colour cast, noise.
/// Everything is placed in drawing units, 192 a side, and drawn at twice the picture's size: the same scene at another
/// size shows the same things, finer or coarser.
///
/// Things have a half-size of 24...42 units in three cases of four, with tails down to 8 and up to 115. So at 96 px a
/// typical thing is 24...42 px across; COCO's "small" (area under 1,024) and "medium" occur at 96 px, "large" (over
/// 9,216) cannot, because the whole picture has 9,216 pixels; it is rare at 128 px and ordinary from 256 px on.
public struct DrawnScene: Sendable, Equatable {
    /// A thing, or a crowd of tiny things of one class.
    public struct Instance: Sendable, Equatable {
        /// Index into `SceneClasses.things`.
        public let thing: Int
        public let isCrowd: Bool
        /// Visible pixels, `(H, W)`, 1 inside.
        public let mask: [UInt8]
        public let area: Int
        /// x, y, width, height of the visible pixels.
        public let box: (x: Int, y: Int, width: Int, height: Int)
        /// Visible part of what would be seen without anything in front, in 0...1.
        public let visibleShare: Double

        public static func == (a: Instance, b: Instance) -> Bool {
            a.thing == b.thing && a.isCrowd == b.isCrowd && a.mask == b.mask
        }
    }

    public let picture: Picture
    /// 0 other, 1...14 as in `SceneClasses`.
    public let labels: LabelImage
    /// Things with at least six visible pixels, in drawing order.
    public let instances: [Instance]
    /// 45...89.
    public let jpegQuality: Int

    /// The fewest visible pixels of an annotated thing.
    static let leastArea = 6

    public init(seed: UInt64, split: String, index: Int, size: Int) {
        precondition(size >= 16, "scene size \(size): at least 16")
        var stream = RandomStream(seed: seed, purpose: "scene \(split)", UInt64(index))
        var grain = RandomStream(seed: seed, purpose: "scene grain \(split)", UInt64(index))
        let noise = SceneNoise(&stream)
        let layout = StuffLayout(&stream)
        let angle = Float(stream.uniform())
        let light = (x: SceneNoise.cosine(turns: angle), y: SceneNoise.sine(turns: angle))
        let canvas = SceneCanvas(pictureSize: size)
        canvas.fill(layout, noise)
        let plan = ScenePlan(&stream)
        for blob in plan.groundBlobs { canvas.drawBlob(at: blob.centre, radius: blob.radius, blob.colour, noise) }
        var covered = [Int](repeating: 0, count: plan.groups.count)
        for (index, group) in plan.groups.enumerated() {
            for thing in group.things {
                canvas.castShadow(of: thing, light: light, strength: plan.shadow)
                covered[index] += canvas.draw(thing, instance: index, light: light)
            }
            for bar in plan.bars where bar.above == index {
                canvas.drawBar(from: bar.from, to: bar.to, halfWidth: bar.halfWidth, bar.colour)
            }
        }
        let cast = SceneColour(
            Float(stream.uniform(0.88...1.12)), Float(stream.uniform(0.92...1.08)), Float(stream.uniform(0.86...1.14)))
        let deviation = Float(stream.uniform(2...9))
        jpegQuality = 45 + stream.int(below: 45)
        picture = canvas.picture(light: light, cast: cast, noise: deviation, &grain)
        let codes = canvas.pictureCodes()
        let kinds = plan.groups.map { UInt16($0.things[0].kind.rawValue) }
        labels = LabelImage(
            height: size, width: size,
            values: codes.map { code in
                guard code >= SceneCanvas.firstInstance else { return code }
                return UInt16(SceneClasses.label(ofThing: Int(kinds[Int(code - SceneCanvas.firstInstance)])))
            })
        instances = plan.groups.indices.compactMap { index in
            Self.instance(
                of: SceneCanvas.firstInstance + UInt16(index), in: codes, size: size, thing: Int(kinds[index]),
                isCrowd: plan.groups[index].isCrowd, covered: covered[index])
        }
    }

    private static func instance(
        of code: UInt16, in codes: [UInt16], size: Int, thing: Int, isCrowd: Bool, covered: Int
    ) -> Instance? {
        var mask = [UInt8](repeating: 0, count: codes.count)
        var area = 0
        var (left, top, right, bottom) = (size, size, -1, -1)
        for (pixel, found) in codes.enumerated() where found == code {
            mask[pixel] = 1
            area += 1
            let (x, y) = (pixel % size, pixel / size)
            (left, right) = (min(left, x), max(right, x))
            (top, bottom) = (min(top, y), max(bottom, y))
        }
        guard area >= leastArea else { return nil }
        return Instance(
            thing: thing, isCrowd: isCrowd, mask: mask, area: area,
            box: (left, top, right - left + 1, bottom - top + 1),
            visibleShare: min(1, 4 * Double(area) / Double(max(covered, 1))))
    }
}

/// What is drawn over the ground, and in which order.
struct ScenePlan {
    struct Group {
        var things: [SceneThing]
        var isCrowd: Bool
    }
    struct Blob {
        var centre: (x: Float, y: Float)
        var radius: Float
        var colour: SceneColour
    }
    struct Bar {
        var from: (x: Float, y: Float)
        var to: (x: Float, y: Float)
        var halfWidth: Float
        var colour: SceneColour
        /// The group it is drawn after.
        var above: Int
    }

    let groups: [Group]
    let groundBlobs: [Blob]
    let bars: [Bar]
    let shadow: Float

    init(_ stream: inout RandomStream) {
        shadow = Float(stream.uniform(0.5...0.75))
        var sizes = (0..<2 + stream.int(below: 3)).map { _ in Self.halfSize(&stream) }
        if stream.chance(0.25) { sizes += (0..<2 + stream.int(below: 3)).map { _ in Float(stream.uniform(8...14)) } }
        // Larger things tend to stand behind smaller ones.
        let ordered = sizes.map { (size: $0, depth: $0 * Float(stream.uniform(0.6...1.4))) }.sorted {
            $0.depth > $1.depth
        }
        var groups: [Group] = []
        for (size, _) in ordered {
            let kind = ThingKind(rawValue: stream.int(below: ThingKind.allCases.count))!
            let centre = Self.place(size, among: groups, &stream)
            groups.append(Group(things: [SceneThing(kind, centre: centre, halfSize: size, &stream)], isCrowd: false))
        }
        if stream.chance(0.06) { groups.append(Self.crowd(&stream)) }
        self.groups = groups
        groundBlobs = (0..<stream.int(below: 3)).map { _ in
            Blob(
                centre: Self.anywhere(&stream), radius: Float(stream.uniform(4...11)), colour: Self.anyColour(&stream))
        }
        bars = (0..<stream.int(below: 4)).map { _ in
            let from = Self.anywhere(&stream)
            let (length, angle) = (Float(stream.uniform(25...110)), Float(stream.uniform()))
            let to = (
                from.x + length * SceneNoise.cosine(turns: angle), from.y + length * SceneNoise.sine(turns: angle)
            )
            return Bar(
                from: from, to: to, halfWidth: Float(stream.uniform(0.9...2.4)), colour: Self.anyColour(&stream),
                above: stream.int(below: groups.count))
        }
    }

    private static func halfSize(_ stream: inout RandomStream) -> Float {
        let draw = stream.uniform()
        if draw < 0.75 { return Float(stream.uniform(24...42)) }
        if draw < 0.90 { return Float(stream.uniform(9...22)) }
        if draw < 0.97 { return Float(stream.uniform(44...70)) }
        return Float(stream.uniform(70...115))
    }

    /// A centre away from earlier things if one of ten tries finds it.
    private static func place(
        _ size: Float, among groups: [Group], _ stream: inout RandomStream
    ) -> (x: Float, y: Float) {
        var centre = anywhere(&stream)
        for _ in 0..<10 {
            let crowded = groups.contains { group in
                let other = group.things[0]
                let (dx, dy) = (centre.x - other.centre.x, centre.y - other.centre.y)
                let near: Float = 0.75 * (size + min(other.halfSize, 45))
                return dx * dx + dy * dy < near * near
            }
            if !crowded { break }
            centre = anywhere(&stream)
        }
        return centre
    }

    /// Eight to fourteen tiny things of one class, close together.
    private static func crowd(_ stream: inout RandomStream) -> Group {
        let kind = ThingKind(rawValue: stream.int(below: ThingKind.allCases.count))!
        let middle = anywhere(&stream)
        let things = (0..<8 + stream.int(below: 7)).map { _ in
            let centre = (
                x: middle.x + Float(stream.uniform(-30...30)), y: middle.y + Float(stream.uniform(-18...18))
            )
            return SceneThing(kind, centre: centre, halfSize: Float(stream.uniform(5.5...8)), &stream)
        }
        return Group(things: things, isCrowd: true)
    }

    private static func anywhere(_ stream: inout RandomStream) -> (x: Float, y: Float) {
        (Float(stream.uniform(14...178)), Float(stream.uniform(14...178)))
    }

    private static func anyColour(_ stream: inout RandomStream) -> SceneColour {
        SceneColour(hue: stream.uniform(), saturation: stream.uniform(0...0.7), value: stream.uniform(0.15...0.95))
    }
}
