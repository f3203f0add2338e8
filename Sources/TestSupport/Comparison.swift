import TensorCore

/// The largest difference between two arrays, and where; NaN on either side alone counts as infinite.
public struct Comparison: CustomStringConvertible {
    public private(set) var worst = 0.0
    public private(set) var place = "nowhere"

    /// - Parameter bound: the allowed difference at an index; differences are given as multiples of it.
    public init(_ found: [Double], _ expected: [Double], bound: (Int) -> Double = { _ in 1 }) {
        guard found.count == expected.count else {
            worst = .infinity
            place = "\(found.count) values against \(expected.count)"
            return
        }
        for i in found.indices where found[i] != expected[i] && !(found[i].isNaN && expected[i].isNaN) {
            let error = abs(found[i] - expected[i]) / bound(i)
            if !(error <= worst) {
                worst = error.isNaN ? .infinity : error
                place = "value \(i): found \(found[i]), expected \(expected[i]), bound \(bound(i))"
            }
        }
    }

    /// Differences as multiples of `tolerance · max(floor, largest expected size)`.
    public init(_ found: [Double], _ expected: [Double], tolerance: Double, floor: Double = 1) {
        let scale = expected.reduce(floor) { max($0, abs($1)) }
        self.init(found, expected) { _ in tolerance * scale }
    }

    /// True when every difference is within its bound.
    public var isWithinBounds: Bool { worst <= 1 }

    public var description: String { "\(worst) times the bound at \(place)" }
}
