import Annotations

/// TIDE: which kinds of error cost how much average precision.
///
/// Parity with tidecv 1.0.1 is up to rounding (1e-9 of AP).
///
/// - Source: Bolya et al. 2020, arXiv:2008.08115; tidecv `quantify.py`.
public enum TideAnalysis {
    /// - Parameters:
    ///   - overlap: boxes or masks.
    ///   - limit: detections an image, over all classes.
    /// - Throws: `CocoInputError` where the files cannot be compared.
    public static func run(
        truth: CocoDataset, results: DetectionTable, overlap: CocoOverlap, threshold: Double = 0.5,
        backgroundThreshold: Double = 0.1, limit: Int = 100
    ) throws -> TideReport {
        let settings = CocoSettings(overlap)
        let images = try CocoImages(truth: truth, results: results, settings: settings, limit: limit)
        var tally = Tally(objects: [Int](repeating: 0, count: images.categoryIDs.count))
        var overlaps = CocoOverlaps(settings)
        for index in images.images.indices {
            var picture = try TidePicture(images, index, results, &overlaps, threshold, backgroundThreshold)
            picture.examine(&tally)
        }
        return tally.report(threshold, backgroundThreshold, images.warnings(overlaps))
    }

    /// What all pictures add up to.
    struct Tally {
        /// Objects of each class, and those that were not found.
        var objects: [Int]
        var unfound: [Int]
        /// Detections in the order of images and scores; those excused by a crowd are left out.
        var points: [TidePoint] = []
        var findings: [TideFinding] = []

        init(objects: [Int]) {
            self.objects = objects
            unfound = objects
        }

        func report(_ threshold: Double, _ background: Double, _ warnings: [CocoWarning]) -> TideReport {
            let base = TideCurves(points: points, objects: objects).mean ?? 0
            let found = points.filter(\.isTrue)
            func mended(_ kind: TideError) -> Double {
                var objects = objects
                var points: [TidePoint] = []
                for finding in findings {
                    if finding.kind == kind, let missed = finding.missedClass { objects[missed] -= 1 }
                    if let point = finding.kind == kind ? finding.mended : finding.original { points.append(point) }
                }
                // Quirk(TIDE): detections that are wrong stand before those that are right when scores are equal.
                return TideCurves(points: points + found, objects: objects).mean ?? 0
            }
            let originals = findings.compactMap(\.original)
            let certain = (originals + found).map { point in
                TidePoint(classIndex: point.classIndex, score: point.isTrue ? 1 : 0, isTrue: point.isTrue)
            }
            let without = TideCurves(points: originals + found, objects: zip(objects, unfound).map { $0 - $1 })
            let kinds = TideError.allCases
            return TideReport(
                threshold: threshold, backgroundThreshold: background, averagePrecision: base,
                // A negative gain comes from the levels of recall alone.
                gains: Dictionary(uniqueKeysWithValues: kinds.map { ($0, max(mended($0) - base, 0)) }),
                counts: Dictionary(
                    uniqueKeysWithValues: kinds.map { kind in (kind, findings.count { $0.kind == kind }) }),
                falsePositiveGain: (TideCurves(points: certain, objects: objects).mean ?? 0) - base,
                falseNegativeGain: (without.mean ?? 0) - base, warnings: warnings)
        }
    }
}

/// One picture: matching, and the reason of everything that did not match.
private struct TidePicture {
    private let images: CocoImages
    private let results: DetectionTable
    private let detections: Range<Int>
    /// Places of the picture's objects, and of its crowds, in `images.truths`.
    private let objects: [Int]
    private let crowds: [Int]
    private let threshold: Double
    private let backgroundThreshold: Double
    /// Overlap of detections with objects, row by row; crowds are taken apart.
    private var iou: [Double] = []
    private var isExcused: [Bool]
    private var matched: [Int?]
    private var isFound: [Bool]
    /// Finding that would mend each object, if any.
    private var candidate: [Int?]

    init(
        _ images: CocoImages, _ index: Int, _ results: DetectionTable, _ overlaps: inout CocoOverlaps,
        _ threshold: Double, _ backgroundThreshold: Double
    ) throws(CocoInputError) {
        self.images = images
        self.results = results
        self.threshold = threshold
        self.backgroundThreshold = backgroundThreshold
        let (truths, detections) = images.images[index]
        self.detections = detections
        objects = truths.filter { images.shapes.truthCrowd[$0] == 0 }
        crowds = truths.filter { images.shapes.truthCrowd[$0] != 0 }
        isExcused = [Bool](repeating: false, count: detections.count)
        matched = [Int?](repeating: nil, count: detections.count)
        isFound = [Bool](repeating: false, count: objects.count)
        candidate = [Int?](repeating: nil, count: objects.count)
        try overlaps.compute(images.shapes, detections, truths)
        let all = overlaps.values
        for d in 0..<detections.count {
            for object in objects { iou.append(all[d * truths.count + object - truths.lowerBound]) }
        }
        match()
        excuse(all, truths)
    }

    private func isSameClass(_ d: Int, _ g: Int) -> Bool {
        images.detectionClasses[detections.lowerBound + d] == images.truthClasses[objects[g]]
    }

    /// Best of the objects that `isAllowed`, the first of equals; 0 stands for the others, as in the reference.
    private func best(_ d: Int, _ isAllowed: (Int) -> Bool) -> (object: Int, iou: Double) {
        var result = (object: 0, iou: -Double.infinity)
        for g in objects.indices {
            let value = isAllowed(g) ? iou[d * objects.count + g] : 0
            if value > result.iou { result = (g, value) }
        }
        return result
    }

    private mutating func match() {
        guard !objects.isEmpty else { return }
        for d in 0..<detections.count {
            let (object, iou) = best(d) { isSameClass(d, $0) && !isFound[$0] }
            guard iou >= threshold else { continue }
            matched[d] = object
            isFound[object] = true
        }
    }

    private mutating func excuse(_ all: [Double], _ truths: Range<Int>) {
        for crowd in crowds {
            for d in 0..<detections.count where matched[d] == nil {
                let isSame = images.detectionClasses[detections.lowerBound + d] == images.truthClasses[crowd]
                if isSame, all[d * truths.count + crowd - truths.lowerBound] > threshold { isExcused[d] = true }
            }
        }
    }

    mutating func examine(_ tally: inout TideAnalysis.Tally) {
        for object in objects { tally.objects[images.truthClasses[object]] += 1 }
        for d in 0..<detections.count {
            let place = detections.lowerBound + d
            let point = TidePoint(
                classIndex: images.detectionClasses[place], score: results.scores[Int(images.detections[place])],
                isTrue: matched[d] != nil)
            if !isExcused[d] { tally.points.append(point) }
            if matched[d] != nil { continue }
            let (kind, object) = reason(d)
            var finding = TideFinding(kind: kind, original: isExcused[d] ? nil : point)
            // Of the detections that could be mended to find an object the one of the highest score is.
            if let object, !isFound[object], candidate[object] == nil {
                candidate[object] = tally.findings.count
                let classIndex =
                    kind == .classification ? images.truthClasses[objects[object]] : point.classIndex
                finding.mended = TidePoint(classIndex: classIndex, score: point.score, isTrue: true)
            }
            tally.findings.append(finding)
        }
        for (g, object) in objects.enumerated() where !isFound[g] {
            let classIndex = images.truthClasses[object]
            tally.unfound[classIndex] += 1
            if candidate[g] == nil { tally.findings.append(TideFinding(kind: .missed, missedClass: classIndex)) }
        }
    }

    /// The kind of an unmatched detection's error, and the object that it would find if it were mended.
    private func reason(_ d: Int) -> (TideError, object: Int?) {
        if objects.isEmpty { return (.background, nil) }
        let near = best(d) { isSameClass(d, $0) }
        if near.iou >= backgroundThreshold && near.iou <= threshold { return (.localization, near.object) }
        let other = best(d) { !isSameClass(d, $0) }
        if other.iou >= threshold { return (.classification, other.object) }
        if best(d, { isSameClass(d, $0) && isFound[$0] }).iou >= threshold { return (.duplicate, nil) }
        if best(d, { _ in true }).iou <= backgroundThreshold { return (.background, nil) }
        return (.both, nil)
    }
}
