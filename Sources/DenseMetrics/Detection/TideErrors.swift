/// Why a detector loses average precision, as TIDE names it.
///
/// - Source: Bolya et al. 2020, arXiv:2008.08115, §2.2.
public enum TideError: String, Sendable, CaseIterable {
    /// Overlaps an object of another class well enough.
    case classification = "Cls"
    /// The right class, but the overlap lies between the background threshold and the one of a match.
    case localization = "Loc"
    /// Both wrong, or anything else.
    case both = "Both"
    /// A second detection of an object that is already found.
    case duplicate = "Dupe"
    /// Overlaps nothing.
    case background = "Bkg"
    /// An object that no detection could be mended to find.
    case missed = "Miss"
}

/// What TIDE finds in one results file; AP is at one threshold of overlap, as a fraction.
public struct TideReport: Sendable {
    public let threshold: Double
    public let backgroundThreshold: Double
    public let averagePrecision: Double
    /// AP that would be gained if all errors of one kind were mended.
    public let gains: [TideError: Double]
    public let counts: [TideError: Int]
    /// AP gained if every false positive had score 0 and every true positive score 1.
    public let falsePositiveGain: Double
    /// AP gained if objects that were not found did not count.
    public let falseNegativeGain: Double
    public let warnings: [CocoWarning]
}

/// One entry of TIDE's precision-recall curves.
struct TidePoint: Sendable {
    var classIndex: Int
    var score: Double
    var isTrue: Bool
}

/// One error: what it is in the curves now, and what it would be if it were mended.
struct TideFinding {
    var kind: TideError
    /// nil where the detection is excused by a crowd, or there is no detection.
    var original: TidePoint?
    var mended: TidePoint?
    /// Class of a missed object, which mending takes off the number of objects.
    var missedClass: Int?
}

/// Average precision as TIDE counts it: the mean over all classes with objects or detections, precision at 101 levels of
/// recall `i / 100`, without COCO's 2^-52.
struct TideCurves {
    var points: [TidePoint]
    /// Objects of each class.
    var objects: [Int]

    /// Nil where no class has an object or a detection.
    var mean: Double? {
        var byClass = [[TidePoint]](repeating: [], count: objects.count)
        for point in points { byClass[point.classIndex].append(point) }
        var sum = 0.0
        var count = 0
        for (points, objects) in zip(byClass, objects) where !points.isEmpty || objects != 0 {
            sum += Self.precision(points, objects)
            count += 1
        }
        return count > 0 ? sum / Double(count) : nil
    }

    private static func precision(_ points: [TidePoint], _ objects: Int) -> Double {
        if objects == 0 { return 0 }
        var precisions: [Double] = []
        var recalls: [Double] = []
        var hits = 0.0
        var misses = 0.0
        for index in ScoreOrder.descending(points.lazy.map(\.score)) {
            if points[index].isTrue { hits += 1 } else { misses += 1 }
            precisions.append(hits / (hits + misses))
            recalls.append(hits / Double(objects))
        }
        for index in precisions.indices.dropFirst().reversed() where precisions[index] > precisions[index - 1] {
            precisions[index - 1] = precisions[index]
        }
        var sum = 0.0
        var at = 0
        for level in 0...100 {
            while at < recalls.count, recalls[at] < Double(level) / 100 { at += 1 }
            if at < recalls.count { sum += precisions[at] }
        }
        return sum / 101
    }
}
