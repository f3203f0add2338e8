import Geometry

/// The outline of one object, in whichever form the data set has it.
public enum InstanceMask: Sendable {
    case bitmap(BinaryMask)
    case runs(RLEMask)
    case polygons([Polygon])

    /// The part inside `box` on a square grid, row by row: the target of a mask head, within 0...1.
    ///
    /// Polygons are drawn on the grid. Bitmaps are averaged per cell and cut at 0.5; under torchvision's rules they are
    /// sampled without the half-pixel shift and not cut.
    func target(within box: Box, side: Int, _ rules: DetectionRules) -> [Float] {
        let grid = ImageSize(height: side, width: side)
        let bitmap: BinaryMask
        switch self {
        case .bitmap(let mask): bitmap = mask
        case .runs(let mask): bitmap = mask.bitmap
        case .polygons(let polygons):
            let drawable = polygons.filter { $0.pointCount >= 3 }
            if drawable.isEmpty { return [Float](repeating: 0, count: side * side) }
            return Polygon.mask(drawable, within: box, grid: grid).pixels.map { $0 != 0 ? 1 : 0 }
        }
        if rules == .torchvision { return bitmap.coverage(of: box, grid: grid, aligned: false) }
        return bitmap.cropped(to: box, grid: grid).pixels.map { $0 != 0 ? 1 : 0 }
    }

    /// Polygons as a bitmap of the picture's size.
    func drawn(on size: ImageSize) -> InstanceMask {
        guard case .polygons(let polygons) = self else { return self }
        let drawable = polygons.filter { $0.pointCount >= 3 }
        if drawable.isEmpty {
            return .bitmap(BinaryMask(size: size, pixels: [UInt8](repeating: 0, count: size.pixelCount)))
        }
        return .bitmap(Polygon.mask(drawable, size: size).bitmap)
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

        func drawn(on size: ImageSize) -> Instance {
            Instance(box: box, label: label, mask: mask.drawn(on: size), isCrowd: isCrowd)
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
