import Foundation
import Geometry

/// What a box regressor predicts: the way from a reference box to another, scaled by weights.
///
///     dx = wx (cx' − cx) / w,   dy = wy (cy' − cy) / h,   dw = ww ln(w' / w),   dh = wh ln(h' / h)
///
/// - Source: Girshick et al. 2014, arXiv:1311.2524, appendix C; detectron2's `Box2BoxTransform`, mmdetection's
///   `DeltaXYWHBBoxCoder` (whose deviations are one over these weights).
public struct BoxCoder: Sendable, Hashable {
    /// Factors of dx, dy, dw, dh.
    public var weights: [Double]
    /// dw and dh are cut above this value, so that no box explodes.
    public var scaleLimit: Double
    /// Whether they are cut below its negative as well.
    public var limitsShrinking: Bool

    /// - Precondition: four positive weights.
    public init(weights: [Double], scaleLimit: Double = log(1000.0 / 16.0), limitsShrinking: Bool = false) {
        precondition(weights.count == 4 && weights.allSatisfy { $0 > 0 }, "box coder weights \(weights): four positive")
        self.weights = weights
        self.scaleLimit = scaleLimit
        self.limitsShrinking = limitsShrinking
    }

    /// The deltas (dx, dy, dw, dh) that lead from `source` to `target`; both need positive sides.
    public func encode(_ target: Box, from source: Box) -> SIMD4<Double> {
        let (a, b) = (source.center, target.center)
        return SIMD4(
            weights[0] * (b.x - a.x) / source.width,
            weights[1] * (b.y - a.y) / source.height,
            weights[2] * log(target.width / source.width),
            weights[3] * log(target.height / source.height))
    }

    /// The box that (dx, dy, dw, dh) lead to.
    public func decode(_ deltas: SIMD4<Double>, from source: Box) -> Box {
        let center = source.center
        let x: Double = deltas[0] / weights[0] * source.width + center.x
        let y: Double = deltas[1] / weights[1] * source.height + center.y
        let least = limitsShrinking ? -scaleLimit : -.infinity
        let width: Double = exp(max(min(deltas[2] / weights[2], scaleLimit), least)) * source.width
        let height: Double = exp(max(min(deltas[3] / weights[3], scaleLimit), least)) * source.height
        return Box(x0: x - width / 2, y0: y - height / 2, x1: x + width / 2, y1: y + height / 2)
    }
}
