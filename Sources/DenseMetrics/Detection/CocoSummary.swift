import CMetricKernels

/// One number of a COCO evaluation; nil where no class has a truth that counts.
public struct CocoMetric: Sendable, Hashable {
    public var name: String
    public var value: Double?
    /// How it was measured, as in COCO's own lines.
    public var isPrecision: Bool
    /// nil: the mean over all thresholds.
    public var iouThreshold: Double?
    public var area: String
    public var maxDetections: Int
    /// LVIS's letter of the classes in the mean; nil for all.
    public var frequency: String?
}

extension CocoMetric {
    /// The numbers of a protocol, without values: COCO's twelve for boxes and masks, ten for keypoints; LVIS's thirteen.
    ///
    /// - Precondition: three detection limits or more for boxes and masks (with fewer the reference raises).
    static func definitions(_ settings: CocoSettings) -> [CocoMetric] {
        var metrics: [CocoMetric] = []
        let limits = settings.maxDetections
        func add(
            _ name: String, _ isPrecision: Bool, _ threshold: Double?, _ area: String, _ limit: Int,
            _ frequency: String? = nil
        ) {
            metrics.append(
                CocoMetric(
                    name: name, value: nil, isPrecision: isPrecision, iouThreshold: threshold, area: area,
                    maxDetections: limit, frequency: frequency))
        }
        if settings.isFederated {
            let limit = limits.last ?? 300
            add("AP", true, nil, "all", limit)
            add("AP50", true, 0.5, "all", limit)
            add("AP75", true, 0.75, "all", limit)
            let sizes = [("s", "small"), ("m", "medium"), ("l", "large")]
            for (suffix, area) in sizes { add("AP" + suffix, true, nil, area, limit) }
            for letter in ["r", "c", "f"] { add("AP" + letter, true, nil, "all", limit, letter) }
            add("AR@\(limit)", false, nil, "all", limit)
            for (suffix, area) in sizes { add("AR\(suffix)@\(limit)", false, nil, area, limit) }
            return metrics
        }
        if settings.overlap == .keypoints {
            // Quirk(COCO): all ten numbers ask for a limit of exactly 20.
            for (prefix, isPrecision) in [("AP", true), ("AR", false)] {
                add(prefix, isPrecision, nil, "all", 20)
                add(prefix + "50", isPrecision, 0.5, "all", 20)
                add(prefix + "75", isPrecision, 0.75, "all", 20)
                add(prefix + "m", isPrecision, nil, "medium", 20)
                add(prefix + "l", isPrecision, nil, "large", 20)
            }
            return metrics
        }
        precondition(limits.count >= 3, "detection limits \(limits): at least three")
        // Quirk(COCO): the first number asks for a limit of exactly 100, the others for the third limit.
        add("AP", true, nil, "all", 100)
        add("AP50", true, 0.5, "all", limits[2])
        add("AP75", true, 0.75, "all", limits[2])
        for (suffix, area) in [("s", "small"), ("m", "medium"), ("l", "large")] {
            add("AP" + suffix, true, nil, area, limits[2])
        }
        for limit in limits.prefix(3) { add("AR\(limit)", false, nil, "all", limit) }
        for (suffix, area) in [("s", "small"), ("m", "medium"), ("l", "large")] {
            add("AR" + suffix, false, nil, area, limits[2])
        }
        return metrics
    }
}

/// The numbers COCO users know.
public struct CocoSummary: Sendable, Hashable {
    public let settings: CocoSettings
    /// Twelve for boxes and masks, ten for keypoints.
    public let metrics: [CocoMetric]
    public let warnings: [CocoWarning]

    /// The numbers as pycocotools gives them: -1 where there is none.
    public var stats: [Double] { metrics.map { $0.value ?? -1 } }

    /// COCO's printed lines, three digits each.
    public var lines: [String] {
        metrics.map { metric in
            let title = (metric.isPrecision ? "Average Precision" : "Average Recall").padded(to: 18)
            let low = settings.iouThresholds.first ?? 0
            let high = settings.iouThresholds.last ?? 0
            let iou = (metric.iouThreshold.map { $0.fixed(2) } ?? "\(low.fixed(2)):\(high.fixed(2))").padded(to: 9)
            let area = metric.area.padded(to: 6, leading: true)
            let limit = "\(metric.maxDetections)".padded(to: 3, leading: true)
            let kind = metric.isPrecision ? "(AP)" : "(AR)"
            if settings.isFederated {
                let classes = (metric.frequency ?? "all").padded(to: 3, leading: true)
                return " \(title) \(kind) @[ IoU=\(iou) | area=\(area) | maxDets=\(limit) catIds=\(classes)] = "
                    + (metric.value ?? -1).fixed(3)
            }
            return
                " \(title) \(kind) @[ IoU=\(iou) | area=\(area) | maxDets=\(limit) ] = \((metric.value ?? -1).fixed(3))"
        }
    }
}

extension CocoEvaluation {
    /// The means of the curves: twelve numbers for boxes and masks, ten for keypoints, thirteen for LVIS.
    ///
    /// - Precondition: three detection limits or more for boxes and masks (with fewer the reference raises).
    public static func summarize(_ curves: CocoCurves) -> CocoSummary {
        var warnings = curves.warnings
        let limits = curves.settings.maxDetections
        let metrics = CocoMetric.definitions(curves.settings).map { definition in
            var metric = definition
            metric.value = mean(
                curves, isPrecision: metric.isPrecision, threshold: metric.iouThreshold, area: metric.area,
                limit: metric.maxDetections, frequency: metric.frequency)
            return metric
        }
        let wanted = curves.settings.overlap == .keypoints ? 20 : 100
        if !curves.settings.isFederated, !limits.contains(wanted) {
            warnings.append(
                CocoWarning(
                    "no-limit-\(wanted)",
                    "COCO's tool computes \(wanted == 20 ? "every number" : "AP") at \(wanted) detections only, which "
                        + "is not among \(limits): the value is undefined (-1)"))
        }
        return CocoSummary(settings: curves.settings, metrics: metrics, warnings: warnings)
    }

    /// The mean of the defined cells of one kind, in NumPy's order of summation; nil where there are none.
    public static func mean(
        _ curves: CocoCurves, isPrecision: Bool, threshold: Double?, area: String, limit: Int, classIndex: Int? = nil,
        frequency: String? = nil
    ) -> Double? {
        let settings = curves.settings
        let areas = settings.areaRanges.indices.filter { settings.areaRanges[$0].name == area }
        let limits = settings.maxDetections.indices.filter { settings.maxDetections[$0] == limit }
        let thresholds = settings.iouThresholds.indices.filter {
            threshold == nil || settings.iouThresholds[$0] == threshold
        }
        let classes = (classIndex.map { $0..<$0 + 1 } ?? 0..<curves.classCount).filter {
            frequency == nil || curves.frequencies[$0] == frequency
        }
        let rows = isPrecision ? curves.recallCount : 1
        let source = isPrecision ? curves.precision : curves.recall
        var values: [Double] = []
        for t in thresholds {
            for r in 0..<rows {
                for k in classes {
                    for a in areas {
                        for m in limits {
                            let base =
                                isPrecision
                                ? curves.precisionBase(area: a, limit: m) : curves.recallBase(area: a, limit: m)
                            let value = source[base + (t * rows + r) * curves.classCount + k]
                            if value > -1 { values.append(value) }
                        }
                    }
                }
            }
        }
        return values.isEmpty ? nil : dmt_pairwise_sum(values, values.count) / Double(values.count)
    }

    /// The summary's numbers of each class alone.
    public static func classMetrics(_ curves: CocoCurves) -> [[CocoMetric]] {
        let definitions = CocoMetric.definitions(curves.settings).filter { $0.frequency == nil }
        return (0..<curves.classCount).map { index in
            definitions.map { definition in
                var metric = definition
                metric.value = mean(
                    curves, isPrecision: metric.isPrecision, threshold: metric.iouThreshold, area: metric.area,
                    limit: metric.maxDetections, classIndex: index)
                return metric
            }
        }
    }
}

extension String {
    fileprivate func padded(to width: Int, leading: Bool = false) -> String {
        let space = String(repeating: " ", count: max(0, width - count))
        return leading ? space + self : self + space
    }
}

extension Double {
    /// Fixed-point digits, rounded as C's printf does (the exact decimal value, halves to even).
    fileprivate func fixed(_ digits: Int) -> String { CocoNumber.fixed(self, digits) }
}
