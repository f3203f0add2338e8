import Geometry

/// The fixed boxes an RPN corrects: one size a pyramid level, a few aspect ratios at every map pixel.
///
/// - Source: detectron2's `DefaultAnchorGenerator` with offset 0: centres lie at the corners of map pixels. torchvision
///   rounds the corners of the anchors around the origin to whole pixels, halves to even.
public struct AnchorGenerator: Sendable, Hashable {
    /// The side of a square anchor in input pixels, one a level.
    public var sizes: [Double]
    /// Height over width.
    public var ratios: [Double]
    /// Input pixels a map pixel, one a level.
    public var strides: [Int]
    /// Whether anchors have corners of whole pixels.
    public var rounds: Bool

    /// - Precondition: as many sizes as strides, at least one ratio, all positive.
    public init(sizes: [Double], ratios: [Double] = [0.5, 1, 2], strides: [Int], rounds: Bool = false) {
        precondition(
            sizes.count == strides.count && !sizes.isEmpty && !ratios.isEmpty && (sizes + ratios).allSatisfy { $0 > 0 }
                && strides.allSatisfy { $0 > 0 }, "anchors of sizes \(sizes), ratios \(ratios), strides \(strides)")
        self.sizes = sizes
        self.ratios = ratios
        self.strides = strides
        self.rounds = rounds
    }

    /// Anchors at one map pixel.
    public var countPerCell: Int { ratios.count }

    /// The anchors around the origin, one a ratio: area `size²` whatever the ratio, but for rounding.
    public func cell(level: Int) -> [Box] {
        ratios.map { ratio in
            let width: Double = (sizes[level] * sizes[level] / ratio).squareRoot()
            let height: Double = ratio * width
            func half(_ side: Double) -> Double { rounds ? (side / 2).rounded(.toNearestOrEven) : side / 2 }
            return Box(x0: -half(width), y0: -half(height), x1: half(width), y1: half(height))
        }
    }

    /// All anchors of a level in the order of an RPN's outputs: row, column, ratio.
    ///
    /// - Parameter step: input pixels from one map pixel to the next; the level's stride when absent.
    public func anchors(
        level: Int, height: Int, width: Int, step: (y: Int, x: Int)? = nil
    ) -> [Box] {
        let cell = cell(level: level)
        let step = step ?? (strides[level], strides[level])
        var boxes: [Box] = []
        boxes.reserveCapacity(height * width * cell.count)
        for y in 0..<height {
            for x in 0..<width {
                for box in cell { boxes.append(box.translated(x: Double(x * step.x), y: Double(y * step.y))) }
            }
        }
        return boxes
    }
}
