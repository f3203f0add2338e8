/// F1, precision and recall over the score from which detections count, class by class and their mean.
public struct CocoF1Curves: Sendable {
    /// Values at each of `scores`.
    public struct Curve: Sendable, Hashable {
        public var f1: [Double]
        /// 1 where no detection counts.
        public var precision: [Double]
        public var recall: [Double]
    }

    /// 101, evenly spaced: from 0 to 1, or from the lowest to the highest score where some lie outside.
    public let scores: [Double]
    /// In the order of the category ids; nil for a class without objects.
    public let classes: [Curve?]
    /// Over the classes with objects; nil without any.
    public let mean: Curve?

    public init(_ outcomes: CocoOutcomes) {
        var points = [[(score: Double, isRight: Bool)]](repeating: [], count: outcomes.categoryIDs.count)
        var objects = [Int](repeating: 0, count: points.count)
        for image in outcomes.images {
            for object in image.objects where !object.isExcused { objects[object.classIndex] += 1 }
            for detection in image.detections where detection.outcome != .excused {
                points[detection.classIndex].append((detection.score, detection.outcome != .wrong))
            }
        }
        let all = outcomes.images.flatMap { $0.detections.map(\.score) }
        let (low, high) = (min(all.min() ?? 0, 0), max(all.max() ?? 1, 1))
        let scores = CocoSettings.evenlySpaced(from: low, to: high, count: 101)
        let classes = zip(points, objects).map { points, objects in
            objects == 0 ? nil : Self.curve(points, objects, scores)
        }
        let known = classes.compactMap(\.self)
        func mean(_ part: (Curve) -> [Double]) -> [Double] {
            scores.indices.map { at in known.reduce(0) { $0 + part($1)[at] } / Double(known.count) }
        }
        self.scores = scores
        self.classes = classes
        self.mean =
            known.isEmpty ? nil : Curve(f1: mean(\.f1), precision: mean(\.precision), recall: mean(\.recall))
    }

    /// Where the mean F1 is greatest, of equals at the highest score; nil without objects or where nothing is found.
    public var best: (score: Double, f1: Double)? {
        guard let mean, let most = mean.f1.max(), most > 0, let at = mean.f1.lastIndex(of: most) else { return nil }
        return (scores[at], most)
    }

    private static func curve(
        _ points: [(score: Double, isRight: Bool)], _ objects: Int, _ scores: [Double]
    ) -> Curve {
        let sorted = points.sorted { $0.score > $1.score }
        var curve = Curve(f1: [], precision: [], recall: [])
        var (next, right) = (0, 0)
        for score in scores.reversed() {
            while next < sorted.count, sorted[next].score >= score {
                if sorted[next].isRight { right += 1 }
                next += 1
            }
            curve.f1.append(Double(2 * right) / Double(next + objects))
            curve.precision.append(next == 0 ? 1 : Double(right) / Double(next))
            curve.recall.append(Double(right) / Double(objects))
        }
        curve.f1.reverse()
        curve.precision.reverse()
        curve.recall.reverse()
        return curve
    }
}
