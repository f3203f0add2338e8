/// The classes of drawn scenes. Label 0 is "other" (clutter); stuff has 1...8, things have 9...14.
public enum SceneClasses {
    public static let stuff = ["sky", "wall", "forest", "grass", "water", "sand", "paving", "field"]
    public static let things = ["disc", "square", "triangle", "star", "ring", "cross"]
    /// Names of labels 1...14 in order.
    public static var all: [String] { stuff + things }

    /// The label of a thing, also its COCO category id: 9...14, so that ids are visibly not indices.
    public static func label(ofThing thing: Int) -> Int { stuff.count + 1 + thing }
}

/// The kinds of ground, in label order minus one.
enum StuffKind: Int, CaseIterable {
    case sky, wall, forest, grass, water, sand, paving, field

    /// Where in a picture the kind belongs: 0 at the top, 1 at the bottom.
    var height: Double { [0.0, 0.35, 0.3, 0.7, 0.75, 0.8, 0.9, 0.65][rawValue] }
    /// Hue, saturation and value people expect.
    var typicalColour: (hue: Double, saturation: Double, value: Double) {
        [
            (0.57, 0.45, 0.85), (0.03, 0.50, 0.60), (0.36, 0.55, 0.40), (0.28, 0.55, 0.60), (0.53, 0.55, 0.55),
            (0.12, 0.38, 0.82), (0.60, 0.05, 0.58), (0.11, 0.52, 0.62),
        ][rawValue]
    }
    /// The second colour of its texture: clouds, mortar, gaps, blades, glints, grains, joints, soil.
    var accent: SceneColour {
        [
            SceneColour(245, 245, 248), SceneColour(190, 182, 170), SceneColour(24, 34, 20), SceneColour(205, 210, 110),
            SceneColour(225, 238, 245), SceneColour(120, 92, 60), SceneColour(52, 52, 56), SceneColour(88, 62, 40),
        ][rawValue]
    }
}

/// The kinds of things: one shape each, with the texture and hue it has most of the time.
enum ThingKind: Int, CaseIterable {
    case disc, square, triangle, star, ring, cross

    var typicalTexture: ThingTexture { [.dots, .checker, .stripes, .plain, .spokes, .grid][rawValue] }
    var typicalHue: Double { [0.0, 0.62, 0.14, 0.86, 0.49, 0.35][rawValue] }
}

enum ThingTexture: Int, CaseIterable { case dots, checker, stripes, plain, spokes, grid }

/// A linear colour of the drawing, 0...255 a channel, unclamped.
struct SceneColour: Equatable {
    var red: Float
    var green: Float
    var blue: Float

    init(_ red: Float, _ green: Float, _ blue: Float) {
        self.red = red
        self.green = green
        self.blue = blue
    }

    /// From hue (turns), saturation and value, all in 0...1.
    init(hue: Double, saturation: Double, value: Double) {
        func channel(_ offset: Double) -> Float {
            let turn = (hue + offset) * 6
            let wrapped: Double = turn - 6 * (turn / 6).rounded(.down)
            let ramp: Double = min(max(abs(wrapped - 3) - 1, 0), 1)
            return Float(255 * value * (1 - saturation * (1 - ramp)))
        }
        self.init(channel(0), channel(-1.0 / 3), channel(1.0 / 3))
    }

    @inline(__always)
    func scaled(_ factor: Float) -> SceneColour { SceneColour(red * factor, green * factor, blue * factor) }

    @inline(__always)
    func mixed(_ other: SceneColour, _ share: Float) -> SceneColour {
        SceneColour(
            red + (other.red - red) * share, green + (other.green - green) * share, blue + (other.blue - blue) * share)
    }
}
