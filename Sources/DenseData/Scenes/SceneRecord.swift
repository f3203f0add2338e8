import ImageFiles

/// What remains of a drawn scene once its pictures are on disk: the annotations and the counts.
struct SceneRecord: Sendable {
    struct Thing: Sendable {
        var thing: Int
        var isCrowd: Bool
        var area: Int
        var box: (x: Int, y: Int, width: Int, height: Int)
        var polygons: [[Int]]
        var runs: [Int]
    }

    var things: [Thing]
    /// Pixels of labels 0...14.
    var labelPixels: [Int]
    /// Class-folder crops written, by thing class.
    var crops: [Int]

    init(_ scene: DrawnScene, size: Int) {
        things = scene.instances.map {
            Thing(
                thing: $0.thing, isCrowd: $0.isCrowd, area: $0.area, box: $0.box,
                polygons: $0.isCrowd ? [] : MaskOutline.polygons(of: $0.mask, height: size, width: size),
                runs: $0.isCrowd ? MaskOutline.columnRuns(of: $0.mask, height: size, width: size) : [])
        }
        labelPixels = [Int](repeating: 0, count: SceneClasses.all.count + 1)
        for label in scene.labels.values { labelPixels[Int(label)] += 1 }
        crops = [Int](repeating: 0, count: SceneClasses.things.count)
    }
}

/// Square crops of well visible things for class folders.
enum SceneCrop {
    static let side = 64
    /// Visible share that a thing needs.
    static let leastVisible = 0.6

    /// The thing's picture, 64 px a side: its box with 12 % margin on each side, made square, moved inside the picture.
    /// Nil for crowds, hidden things and things smaller than an eighth of the picture.
    static func picture(of instance: DrawnScene.Instance, in picture: Picture) -> Picture? {
        let box = instance.box
        let extent = max(box.width, box.height)
        guard !instance.isCrowd, instance.visibleShare >= leastVisible, extent * 8 >= picture.width else { return nil }
        let edge = min(extent + 2 * Int((0.12 * Double(extent)).rounded(.up)), picture.width, picture.height)
        let left = min(max(box.x + box.width / 2 - edge / 2, 0), picture.width - edge)
        let top = min(max(box.y + box.height / 2 - edge / 2, 0), picture.height - edge)
        let window = Window(top: top, left: left, height: edge, width: edge)
        return Resize.picture(window.cut(picture), to: (side, side), .bilinearAntialiased)
    }
}
