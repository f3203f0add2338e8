import Geometry

/// The fixed boxes an RPN corrects: one size a pyramid level, a few aspect ratios at every map pixel.
///
/// - Source: detectron2's `DefaultAnchorGenerator` with offset 0: centres lie at the corners of map pixels.
public struct AnchorGenerator: Sendable, Hashable {
    /// The side of a square anchor in input pixels, one a level.
    public var sizes: [Double]
    /// Height over width.
    public var ratios: [Double]
    /// Input pixels a map pixel, one a level.
    public var strides: [Int]

    /// - Precondition: as many sizes as strides, at least one ratio, all positive.
    public init(sizes: [Double], ratios: [Double] = [0.5, 1, 2], strides: [Int]) {
        precondition(
            sizes.count == strides.count && !sizes.isEmpty && !ratios.isEmpty && (sizes + ratios).allSatisfy { $0 > 0 }
                && strides.allSatisfy { $0 > 0 }, "anchors of sizes \(sizes), ratios \(ratios), strides \(strides)")
        self.sizes = sizes
        self.ratios = ratios
        self.strides = strides
    }

    /// Anchors at one map pixel.
    public var countPerCell: Int { ratios.count }

    /// The anchors around the origin, one a ratio: area `size²` whatever the ratio.
    public func cell(level: Int) -> [Box] {
        ratios.map { ratio in
            let width: Double = (sizes[level] * sizes[level] / ratio).squareRoot()
            let height: Double = ratio * width
            return Box(x0: -width / 2, y0: -height / 2, x1: width / 2, y1: height / 2)
        }
    }

    /// All anchors of a level in the order of an RPN's outputs: row, column, ratio.
    public func anchors(level: Int, height: Int, width: Int) -> [Box] {
        let cell = cell(level: level)
        let stride = Double(strides[level])
        var boxes: [Box] = []
        boxes.reserveCapacity(height * width * cell.count)
        for y in 0..<height {
            for x in 0..<width {
                for box in cell { boxes.append(box.translated(x: Double(x) * stride, y: Double(y) * stride)) }
            }
        }
        return boxes
    }
}
