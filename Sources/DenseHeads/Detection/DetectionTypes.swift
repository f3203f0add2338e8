import Geometry

/// The outline of one object, in whichever form the data set has it.
public enum InstanceMask: Sendable {
    case bitmap(BinaryMask)
    case runs(RLEMask)
    case polygons([Polygon])

    /// The part inside `box` on a square grid: the target of a mask head.
    ///
    /// Bitmaps are averaged per cell and cut at 0.5; polygons are drawn on the grid (detectron2's two rules).
    func cropped(to box: Box, side: Int) -> BinaryMask {
        let grid = ImageSize(height: side, width: side)
        switch self {
        case .bitmap(let mask): return mask.cropped(to: box, grid: grid)
        case .runs(let mask): return mask.bitmap.cropped(to: box, grid: grid)
        case .polygons(let polygons):
            let drawable = polygons.filter { $0.pointCount >= 3 }
            if drawable.isEmpty { return BinaryMask(size: grid, pixels: [UInt8](repeating: 0, count: side * side)) }
            return Polygon.mask(drawable, within: box, grid: grid)
        }
    }
}

/// The truth of one picture, in the coordinates of the network's input.
public struct DetectionTarget: Sendable {
    public struct Instance: Sendable {
        public var box: Box
        /// Index in `0..<classCount`.
        public var label: Int
        public var mask: InstanceMask
        /// Crowds are never targets: what covers them counts as background (detectron2's mapper drops them).
        public var isCrowd: Bool

        public init(box: Box, label: Int, mask: InstanceMask, isCrowd: Bool = false) {
            self.box = box
            self.label = label
            self.mask = mask
            self.isCrowd = isCrowd
        }
    }

    /// The picture without padding.
    public var size: ImageSize
    public var instances: [Instance]

    public init(size: ImageSize, instances: [Instance]) {
        self.size = size
        self.instances = instances
    }

    /// The instances that are learned: no crowds, no boxes without area.
    public var learnable: [Instance] { instances.filter { !$0.isCrowd && $0.box.width > 0 && $0.box.height > 0 } }
}

/// The objects found in one picture, best score first.
public struct Detections: Sendable {
    public struct Instance: Sendable {
        public var box: Box
        /// Index in `0..<classCount`.
        public var label: Int
        /// Probability in [0, 1].
        public var score: Float
        /// As large as the picture.
        public var mask: RLEMask
    }

    /// The picture the boxes and masks refer to.
    public var size: ImageSize
    public var instances: [Instance]
}
