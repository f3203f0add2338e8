/// What overlap a COCO evaluation measures.
public enum CocoOverlap: String, Sendable, CaseIterable {
    case box = "bbox"
    case mask = "segm"
    case keypoints
    /// The lesser of the overlap of masks and that of the bands along their outlines (Boundary IoU, arXiv:2103.16562).
    case boundary

    var comparesMasks: Bool { self == .mask || self == .boundary }
}

/// Truths and unmatched detections outside `low...high` square pixels do not count; both ends belong to the range.
public struct CocoAreaRange: Sendable, Hashable {
    public var name: String
    public var low, high: Double

    public init(name: String, low: Double, high: Double) {
        self.name = name
        self.low = low
        self.high = high
    }

    public static let all = CocoAreaRange(name: "all", low: 0, high: 1e10)
    public static let small = CocoAreaRange(name: "small", low: 0, high: 1024)
    public static let medium = CocoAreaRange(name: "medium", low: 1024, high: 9216)
    public static let large = CocoAreaRange(name: "large", low: 9216, high: 1e10)
}

/// The protocol of a COCO evaluation; the defaults are COCO's.
public struct CocoSettings: Sendable, Hashable {
    public var overlap: CocoOverlap
    /// At most 16.
    public var iouThresholds: [Double]
    public var recallThresholds: [Double]
    /// Detections an image and class, ascending.
    public var maxDetections: [Int]
    public var areaRanges: [CocoAreaRange]
    /// One a keypoint; empty for boxes and masks.
    public var sigmas: [Double]
    /// Width of the band along a mask's outline, as a share of the picture's diagonal; for `boundary` only.
    public var boundaryRatio = 0.02
    /// LVIS's rules: an image is scored for the classes that it shows or is known not to show; see `lvis(_:)`.
    public var isFederated = false
    /// False joins all classes into one.
    public var usesCategories: Bool

    public init(_ overlap: CocoOverlap) {
        self.overlap = overlap
        iouThresholds = CocoSettings.evenlySpaced(from: 0.5, to: 0.95, count: 10)
        recallThresholds = CocoSettings.evenlySpaced(from: 0, to: 1, count: 101)
        usesCategories = true
        if overlap == .keypoints {
            maxDetections = [20]
            areaRanges = [.all, .medium, .large]
            sigmas = CocoSettings.personSigmas
        } else {
            maxDetections = [1, 10, 100]
            areaRanges = [.all, .small, .medium, .large]
            sigmas = []
        }
    }

    /// The protocol of LVIS: at most 300 detections an image over all classes, no crowds, federated truth.
    ///
    /// - Source: Gupta et al. 2019, arXiv:1908.03195, §4; lvis-api `eval.py`.
    public static func lvis(_ overlap: CocoOverlap) -> CocoSettings {
        var settings = CocoSettings(overlap)
        settings.isFederated = true
        settings.maxDetections = [300]
        return settings
    }

    /// NumPy's `linspace`: multiples of a rounded step, the last element exact. `0.5 + 0.05 * i` is another number.
    public static func evenlySpaced(from start: Double, to stop: Double, count: Int) -> [Double] {
        let step = (stop - start) / Double(count - 1)
        return (0..<count).map { $0 == count - 1 ? stop : Double($0) * step + start }
    }

    /// COCO's 17 body points. Dividing by ten is a rounding of its own: the literals 0.026 ... differ in five of them.
    public static let personSigmas: [Double] = [
        0.26, 0.25, 0.25, 0.35, 0.35, 0.79, 0.79, 0.72, 0.72, 0.62, 0.62, 1.07, 1.07, 0.87, 0.87, 0.89, 0.89,
    ].map { $0 / 10.0 }
}
