import Foundation

/// Minimises a smooth function by the limited-memory BFGS method with a line search for the strong Wolfe conditions.
///
/// - Source: Nocedal, Wright 2006, *Numerical Optimization*, algorithms 7.4, 7.5, 3.5 and 3.6; c₁ 10⁻⁴, c₂ 0.9.
struct LBFGS {
    /// The value at a point; writes the gradient.
    typealias Objective = (_ point: [Double], _ gradient: inout [Double]) -> Double

    /// Pairs of steps and gradient changes that stand for the curvature.
    var memory = 10
    var maxIterations = 1000
    /// It ends when no entry of the gradient is larger.
    var tolerance = 1e-6

    struct Outcome {
        var point: [Double]
        var value: Double
        var iterations: Int
        /// False when the iterations ran out, or no further descent could be found in the numbers' precision.
        var isConverged: Bool
    }

    func minimize(from start: [Double], _ objective: Objective) -> Outcome {
        var point = start
        var gradient = [Double](repeating: 0, count: start.count)
        var value = objective(point, &gradient)
        var pairs: [(step: [Double], change: [Double], scale: Double)] = []
        for iteration in 0..<maxIterations {
            if gradient.allSatisfy({ abs($0) <= tolerance }) {
                return Outcome(point: point, value: value, iterations: iteration, isConverged: true)
            }
            var direction = self.direction(gradient, pairs)
            if Self.dot(direction, gradient) >= 0 {
                pairs = []
                direction = gradient.map { -$0 }
            }
            let first = pairs.isEmpty ? min(1, 1 / Self.dot(gradient, gradient).squareRoot()) : 1
            guard let found = search(from: point, value, gradient, along: direction, first: first, objective) else {
                if pairs.isEmpty {
                    return Outcome(point: point, value: value, iterations: iteration, isConverged: false)
                }
                pairs = []
                continue
            }
            let step = zip(found.point, point).map { $0 - $1 }
            let change = zip(found.gradient, gradient).map { $0 - $1 }
            let curvature = Self.dot(step, change)
            if curvature > 1e-12 * Self.dot(change, change) {
                pairs.append((step, change, 1 / curvature))
                if pairs.count > memory { pairs.removeFirst() }
            }
            (point, value, gradient) = (found.point, found.value, found.gradient)
        }
        return Outcome(point: point, value: value, iterations: maxIterations, isConverged: false)
    }

    /// `−H g` by the two-loop recursion.
    private func direction(
        _ gradient: [Double], _ pairs: [(step: [Double], change: [Double], scale: Double)]
    ) -> [Double] {
        var q = gradient
        var factors: [Double] = []
        for pair in pairs.reversed() {
            let factor = pair.scale * Self.dot(pair.step, q)
            factors.append(factor)
            for i in q.indices { q[i] -= factor * pair.change[i] }
        }
        if let last = pairs.last {
            let scale = 1 / (last.scale * Self.dot(last.change, last.change))
            for i in q.indices { q[i] *= scale }
        }
        for (pair, factor) in zip(pairs, factors.reversed()) {
            let other = pair.scale * Self.dot(pair.change, q)
            for i in q.indices { q[i] += (factor - other) * pair.step[i] }
        }
        return q.map { -$0 }
    }

    private struct Trial {
        var length: Double
        var value: Double
        var slope: Double
        var point: [Double]
        var gradient: [Double]
    }

    /// A point along `direction` that meets the strong Wolfe conditions, or at least descends; `nil` where none does.
    private func search(
        from point: [Double], _ value: Double, _ gradient: [Double], along direction: [Double], first: Double,
        _ objective: Objective
    ) -> Trial? {
        func trial(_ length: Double) -> Trial {
            let place = zip(point, direction).map { $0 + length * $1 }
            var slope = [Double](repeating: 0, count: place.count)
            let found = objective(place, &slope)
            return Trial(
                length: length, value: found, slope: Self.dot(slope, direction), point: place, gradient: slope)
        }
        let start = Trial(
            length: 0, value: value, slope: Self.dot(gradient, direction), point: point, gradient: gradient)
        func descends(_ t: Trial) -> Bool { t.value <= start.value + 1e-4 * t.length * start.slope }
        var previous = start
        var length = first
        for attempt in 0..<25 {
            let current = trial(length)
            if !current.value.isFinite || !descends(current) || (attempt > 0 && current.value >= previous.value) {
                return zoom(low: previous, high: current, start, trial, descends)
            }
            if abs(current.slope) <= -0.9 * start.slope { return current }
            if current.slope >= 0 { return zoom(low: current, high: previous, start, trial, descends) }
            previous = current
            length *= 2
        }
        return previous.length > 0 ? previous : nil
    }

    private func zoom(
        low: Trial, high: Trial, _ start: Trial, _ trial: (Double) -> Trial, _ descends: (Trial) -> Bool
    ) -> Trial? {
        var (low, high) = (low, high)
        for _ in 0..<30 {
            let current = trial(Self.cubicMinimum(low, high))
            if !current.value.isFinite || !descends(current) || current.value >= low.value {
                high = current
            } else {
                if abs(current.slope) <= -0.9 * start.slope { return current }
                if current.slope * (high.length - low.length) >= 0 { high = low }
                low = current
            }
            if abs(high.length - low.length) <= 1e-10 * max(low.length, high.length) { break }
        }
        return low.length > 0 && low.value < start.value ? low : nil
    }

    /// The lowest point of the cubic through two trials, kept off the ends of their interval.
    private static func cubicMinimum(_ a: Trial, _ b: Trial) -> Double {
        let span = b.length - a.length
        let middle = a.length + 0.5 * span
        guard b.value.isFinite else { return a.length + 0.1 * span }
        let d1 = a.slope + b.slope - 3 * (a.value - b.value) / (a.length - b.length)
        let square = d1 * d1 - a.slope * b.slope
        guard square >= 0 else { return middle }
        let d2 = (span < 0 ? -1.0 : 1.0) * square.squareRoot()
        let found = b.length - span * (b.slope + d2 - d1) / (b.slope - a.slope + 2 * d2)
        let (low, high) = (min(a.length, b.length), max(a.length, b.length))
        guard found.isFinite, found > low + 0.05 * (high - low), found < high - 0.05 * (high - low) else {
            return middle
        }
        return found
    }

    private static func dot(_ a: [Double], _ b: [Double]) -> Double {
        var sum = 0.0
        for i in a.indices { sum += a[i] * b[i] }
        return sum
    }
}
