import Annotations

/// What becomes of every detection and every object at one threshold of overlap: what pictures, F1 curves and calibration
/// are made of.
///
/// Matching is COCO's, class by class over all areas: detections from the highest score down each take the object of
/// their class that they overlap most among those not yet taken, of equal overlaps the last; crowds excuse any number of
/// them. A detection's outcome does not depend on those of lower score, so one matching answers for every score from
/// which detections may count.
public struct CocoOutcomes: Sendable {
    public struct Detection: Sendable, Hashable {
        /// In the results.
        public var position: Int
        public var classIndex: Int
        public var score: Double
        public var outcome: Outcome
    }

    public enum Outcome: Sendable, Hashable {
        /// Finds the object at this place of the image's objects.
        case right(object: Int)
        case wrong
        /// Lies on a crowd of its class: counts neither way.
        case excused
    }

    public struct Object: Sendable, Hashable {
        /// In the truth's annotations.
        public var position: Int
        public var classIndex: Int
        /// A crowd: is not to be found.
        public var isExcused: Bool
        /// Score of the detection that finds it.
        public var foundAt: Double?
    }

    public struct Image: Sendable, Hashable {
        public var id: Int64
        /// From high to low score.
        public var detections: [Detection] = []
        /// In file order.
        public var objects: [Object] = []

        /// - Parameter score: detections below it do not count.
        public func counts(from score: Double) -> Counts {
            var counts = Counts()
            for detection in detections where detection.score >= score {
                switch detection.outcome {
                case .right: counts.right += 1
                case .wrong: counts.wrong += 1
                case .excused: break
                }
            }
            counts.missed = objects.count { !$0.isExcused } - counts.right
            return counts
        }
    }

    /// True positives, false positives and false negatives.
    public struct Counts: Sendable, Hashable {
        public var right = 0
        public var wrong = 0
        public var missed = 0

        /// `2 TP / (2 TP + FP + FN)`; nil where there is neither object nor detection.
        public var f1: Double? {
            let total = 2 * right + wrong + missed
            return total == 0 ? nil : Double(2 * right) / Double(total)
        }
    }

    public let threshold: Double
    /// Ascending.
    public let categoryIDs: [Int64]
    /// By ascending id.
    public let images: [Image]
    public let warnings: [CocoWarning]

    /// - Parameter threshold: least overlap of a match.
    /// - Throws: `CocoInputError` where the files cannot be compared.
    public init(
        truth: CocoDataset, results: DetectionTable, settings: CocoSettings, threshold: Double = 0.5
    ) throws {
        let images = try CocoImages(truth: truth, results: results, settings: settings, limit: .max)
        var own = settings
        own.iouThresholds = [threshold]
        var overlaps = CocoOverlaps(own)
        let limit = settings.maxDetections.max() ?? 100
        var found: [Image] = []
        for (id, (truths, detections)) in zip(images.imageIDs, images.images) {
            try overlaps.compute(images.shapes, detections, truths)
            var image = Image(
                id: id,
                objects: truths.map { truth in
                    Object(
                        position: Int(images.truths[truth]), classIndex: images.truthClasses[truth],
                        isExcused: images.shapes.truthIgnored[truth] != 0)
                })
            var taken = [Int](repeating: 0, count: images.categoryIDs.count)
            for (d, detection) in detections.enumerated() {
                let classIndex = images.detectionClasses[detection]
                taken[classIndex] += 1
                // COCO counts the best of each class and image alone.
                if taken[classIndex] > limit { continue }
                let position = Int(images.detections[detection])
                let score = results.scores[position]
                let match = Self.match(
                    image.objects, classIndex, threshold, crowds: images.shapes.truthCrowd[truths]
                ) { overlaps.values[d * truths.count + $0] }
                var outcome = Outcome.wrong
                if let match {
                    outcome = image.objects[match].isExcused ? .excused : .right(object: match)
                    if image.objects[match].foundAt == nil { image.objects[match].foundAt = score }
                }
                image.detections.append(
                    Detection(position: position, classIndex: classIndex, score: score, outcome: outcome))
            }
            found.append(image)
        }
        self.threshold = threshold
        categoryIDs = images.categoryIDs
        self.images = found
        warnings = images.warnings(overlaps)
    }

    /// The object that a detection takes. One that counts goes before one that does not, whatever their overlaps.
    private static func match(
        _ objects: [Object], _ classIndex: Int, _ threshold: Double, crowds: ArraySlice<UInt8>,
        _ overlap: (Int) -> Double
    ) -> Int? {
        // Quirk(COCO): an overlap of 1 - 1e-10 is enough for any threshold.
        let least = min(threshold, 1 - 1e-10)
        for excused in [false, true] {
            var best: (object: Int, overlap: Double)?
            for (place, object) in objects.enumerated()
            where object.classIndex == classIndex && object.isExcused == excused {
                if object.foundAt != nil && crowds[crowds.startIndex + place] == 0 { continue }
                let value = overlap(place)
                if value >= best?.overlap ?? least { best = (place, value) }
            }
            if let best { return best.object }
        }
        return nil
    }
}
