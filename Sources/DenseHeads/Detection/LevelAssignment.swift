import Foundation
import Geometry

/// Which pyramid level a region is pooled from: large regions from coarse maps.
///
///     level = floor(4 + log2(√area / canonicalSize)),  clamped to the levels there are
///
/// The libraries add their epsilons in three places, which moves boxes on the very border of two levels.
///
/// - Source: Lin et al. 2017, arXiv:1612.03144, eq. 1; detectron2's `assign_boxes_to_levels`, torchvision's
///   `LevelMapper`, mmdetection's `map_roi_levels`.
public struct LevelAssignment: Sendable, Hashable {
    /// log2 of the finest and coarsest stride.
    public var levels: ClosedRange<Int>
    /// The side, in input pixels, of a region that belongs on the canonical level: 224 for inputs of about 1024.
    public var canonicalSize: Double
    public var rules: DetectionRules

    public init(levels: ClosedRange<Int>, canonicalSize: Double = 224, rules: DetectionRules = .detectron2) {
        precondition(canonicalSize > 0, "canonical size \(canonicalSize): must be positive")
        self.levels = levels
        self.canonicalSize = canonicalSize
        self.rules = rules
    }

    /// The index of the level among those pooled from, 0 the finest.
    public func index(of box: Box) -> Int {
        let size = box.area.squareRoot() / canonicalSize
        let exact: Double =
            switch rules {
            case .detectron2: 4 + log2(size + 1e-8)
            case .torchvision: 4 + log2(size) + 1e-6
            // Counted from the finest level, whose regions have a quarter of the canonical side.
            case .mmdetection:
                Double(levels.lowerBound) + log2(size * exp2(4 - Double(levels.lowerBound)) + 1e-6)
            }
        let level = Int(min(max(exact.rounded(.down), Double(levels.lowerBound)), Double(levels.upperBound)))
        return level - levels.lowerBound
    }
}
