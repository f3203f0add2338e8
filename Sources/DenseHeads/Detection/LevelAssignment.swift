import Foundation
import Geometry

/// Which pyramid level a region is pooled from: large regions from coarse maps.
///
///     level = floor(canonicalLevel + log2(√area / canonicalSize + 1e-8)),  clamped to the levels there are
///
/// - Source: Lin et al. 2017, arXiv:1612.03144, eq. 1; detectron2's `assign_boxes_to_levels`.
public struct LevelAssignment: Sendable, Hashable {
    /// log2 of the finest and coarsest stride.
    public var levels: ClosedRange<Int>
    /// The side, in input pixels, of a region that belongs on the canonical level: 224 for ImageNet-sized input.
    public var canonicalSize: Double
    public var canonicalLevel: Int

    public init(levels: ClosedRange<Int>, canonicalSize: Double = 224, canonicalLevel: Int = 4) {
        precondition(canonicalSize > 0, "canonical size \(canonicalSize): must be positive")
        self.levels = levels
        self.canonicalSize = canonicalSize
        self.canonicalLevel = canonicalLevel
    }

    /// The index of the level among those pooled from, 0 the finest.
    public func index(of box: Box) -> Int {
        let exact: Double = Double(canonicalLevel) + log2(box.area.squareRoot() / canonicalSize + 1e-8)
        let level = Int(min(max(exact.rounded(.down), Double(levels.lowerBound)), Double(levels.upperBound)))
        return level - levels.lowerBound
    }
}
