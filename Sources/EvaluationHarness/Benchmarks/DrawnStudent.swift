import DenseMetrics
import Determinism
import Foundation

/// A student's evidence from a generative model, in place of one that was trained.
///
/// Truth is drawn from (seed, image), so that all students of a seed see the same images; a student's own errors from (seed,
/// image, student). `shift` moves its chances on the logit scale: 0 for all that are equally good.
protocol DrawnStudent: Sendable {
    /// The metric that is measured.
    static var metric: String { get }

    init(images: Int, classes: Int, shift: Double, seed: UInt64, student: UInt64)

    /// This student where `takes` says so, the other elsewhere, image by image.
    func mixed(with other: Self, takes: [Bool]) -> Self

    /// The metric with image `i` occurring `weights[i]` times; made once for many draws.
    func resampled() -> @Sendable (_ weights: [UInt64]) -> Double?
}

extension DrawnStudent {
    static func stream(_ purpose: String, _ seed: UInt64, _ image: Int, _ student: UInt64 = .max) -> RandomStream {
        RandomStream(seed: seed, purpose: "gate experiment, \(purpose)", UInt64(image), student)
    }

    static func logistic(_ x: Double) -> Double { 1 / (1 + exp(-x)) }

    /// How likely a class is shown: common ones first, none below 3 %.
    static func frequency(_ k: Int) -> Double { max(0.03, 0.6 / Double(k + 1).squareRoot()) }

    /// How well a class is known, on the logit scale; the same for all data sets.
    static func knowledge(_ k: Int) -> Double {
        var stream = RandomStream(seed: 0, purpose: "gate experiment, class", UInt64(k))
        return stream.normal()
    }
}

/// Pixel counts.
///
///     shown      class 0 always, class k with probability max(0.03, 0.6 / √(k + 1))
///     pixels     exp(N(7, 1)) of each class shown
///     found      a share σ(1.2 + 0.6 q_k + 0.6 d_i + 0.5 e + shift), q_k, d_i, e ~ N(0, 1): class, image, own error
///     missed     taken for class 0; those of class 0 for another class of the image, or for class 1
struct DrawnSegmentation: DrawnStudent {
    static let metric = "mIoU"
    private var evaluation: SegmentationEvaluation

    init(images: Int, classes: Int, shift: Double, seed: UInt64, student: UInt64) {
        evaluation = SegmentationEvaluation(classCount: classes)
        let knowledge = (0..<classes).map(Self.knowledge)
        for image in 0..<images {
            var truth = Self.stream("segmentation", seed, image)
            var own = Self.stream("segmentation", seed, image, student)
            let difficulty = truth.normal()
            var counts = SegmentationCounts(classCount: classes)
            var shown: [(k: Int, pixels: Double)] = []
            for k in 0..<classes {
                let pixels = exp(7 + truth.normal())
                if truth.chance(k == 0 ? 1 : Self.frequency(k)) { shown.append((k, pixels.rounded())) }
            }
            for (k, pixels) in shown {
                let logit = 1.2 + 0.6 * knowledge[k] + 0.6 * difficulty + 0.5 * own.normal() + shift
                let found = UInt64(pixels * Self.logistic(logit))
                let missed = UInt64(pixels) - found
                counts.labelled[k] += UInt64(pixels)
                counts.intersection[k] += found
                counts.predicted[k] += found
                counts.predicted[k > 0 ? 0 : shown.count > 1 ? shown[1].k : 1] += missed
            }
            evaluation.add(counts, image: "\(image)")
        }
    }

    func mixed(with other: DrawnSegmentation, takes: [Bool]) -> DrawnSegmentation {
        var result = self
        result.evaluation = SegmentationEvaluation(classCount: evaluation.classCount)
        for (image, takesOwn) in takes.enumerated() {
            result.evaluation.add((takesOwn ? self : other).evaluation.counts(at: image), image: "\(image)")
        }
        return result
    }

    func resampled() -> @Sendable ([UInt64]) -> Double? {
        { [evaluation] in evaluation.value(of: .mIoU, weights: $0) }
    }
}

/// Matched boxes.
///
///     objects    1 + a geometric number (mean 4) an image, of class k in proportion to max(0.03, 0.6 / √(k + 1))
///     found      with probability σ(1 + 0.5 q_k + 0.5 d_i + 0.4 e + shift), with the overlap
///                0.4 + 0.6 σ(0.9 + 0.5 d_i + 0.8 e' + shift) and the score σ(0.8 + 0.7 e'')
///     false      a geometric number (mean 1.5) an image, of a class shown, with the score σ(−0.8 + 0.8 e''')
///
/// A detection below a threshold's overlap is a false positive there; no object is counted in part.
struct DrawnDetection: DrawnStudent {
    static let metric = "AP"

    private struct Detection: Sendable {
        var k: Int
        var score: Double
        /// Bit t: overlaps by threshold t or more.
        var matched: UInt16
    }

    private let classes: Int
    /// Of each image: how many of each class.
    private let truths: [[Int: Int]]
    private var detections: [[Detection]]

    private static var settings: CocoSettings {
        var settings = CocoSettings(.box)
        settings.areaRanges = [.all]
        // One limit for all numbers: AP alone is asked for.
        settings.maxDetections = [100, 100, 100]
        return settings
    }

    init(images: Int, classes: Int, shift: Double, seed: UInt64, student: UInt64) {
        self.classes = classes
        let thresholds = Self.settings.iouThresholds
        let (knowledge, frequencies) = ((0..<classes).map(Self.knowledge), (0..<classes).map(Self.frequency))
        var truths: [[Int: Int]] = []
        var detections: [[Detection]] = []
        for image in 0..<images {
            var truth = Self.stream("detection", seed, image)
            var own = Self.stream("detection", seed, image, student)
            let difficulty = truth.normal()
            var counts: [Int: Int] = [:]
            var found: [Detection] = []
            let objects = 1 + Self.geometric(&truth, mean: 4)
            for _ in 0..<objects {
                let k = Self.drawClass(&truth, frequencies)
                counts[k, default: 0] += 1
                let logit = 1 + 0.5 * knowledge[k] + 0.5 * difficulty + 0.4 * own.normal() + shift
                let overlap = 0.4 + 0.6 * Self.logistic(0.9 + 0.5 * difficulty + 0.8 * own.normal() + shift)
                let score = Self.logistic(0.8 + 0.7 * own.normal())
                guard own.chance(Self.logistic(logit)) else { continue }
                var bits: UInt16 = 0
                for (t, threshold) in thresholds.enumerated() where overlap >= threshold { bits |= 1 << UInt16(t) }
                found.append(Detection(k: k, score: score, matched: bits))
            }
            let shown = counts.keys.sorted()
            for _ in 0..<Self.geometric(&own, mean: 1.5) {
                let k = shown[own.int(below: shown.count)]
                found.append(Detection(k: k, score: Self.logistic(-0.8 + 0.8 * own.normal()), matched: 0))
            }
            truths.append(counts)
            detections.append(found)
        }
        self.truths = truths
        self.detections = detections
    }

    private static func geometric(_ stream: inout RandomStream, mean: Double) -> Int {
        var count = 0
        while count < 90, stream.chance(mean / (mean + 1)) { count += 1 }
        return count
    }

    private static func drawClass(_ stream: inout RandomStream, _ frequencies: [Double]) -> Int {
        var rest = stream.uniform() * frequencies.reduce(0, +)
        for (k, frequency) in frequencies.enumerated() {
            rest -= frequency
            if rest < 0 { return k }
        }
        return frequencies.count - 1
    }

    func mixed(with other: DrawnDetection, takes: [Bool]) -> DrawnDetection {
        var result = self
        for (image, takesOwn) in takes.enumerated() where !takesOwn {
            result.detections[image] = other.detections[image]
        }
        return result
    }

    func resampled() -> @Sendable ([UInt64]) -> Double? {
        let counts = CocoResampling(matches(), only: Self.metric)
        return { weights in counts.values(weights: weights.map(UInt32.init))[0] }
    }

    private func matches() -> CocoMatches {
        var (scores, images, matched): ([Double], [Int32], [UInt16]) = ([], [], [])
        var (truthImages, truthCounts): ([Int32], [Int32]) = ([], [])
        var (detectionCounts, truthCellCounts): ([Int], [Int]) = ([], [])
        for k in 0..<classes {
            let (before, cells) = (scores.count, truthImages.count)
            for (image, own) in detections.enumerated() {
                if let count = truths[image][k] {
                    truthImages.append(Int32(image))
                    truthCounts.append(Int32(count))
                }
                for detection in own.filter({ $0.k == k }).sorted(by: { $0.score > $1.score }) {
                    scores.append(detection.score)
                    images.append(Int32(image))
                    matched.append(detection.matched)
                }
            }
            detectionCounts.append(scores.count - before)
            truthCellCounts.append(truthImages.count - cells)
        }
        do throws(CocoColumnFault) {
            return try CocoMatches(
                settings: Self.settings, imageIDs: (0..<detections.count).map { Int64($0) },
                categoryIDs: (0..<classes).map { Int64($0) }, detectionCounts: detectionCounts, scores: scores,
                images: images, matched: matched, ignored: [UInt16](repeating: 0, count: matched.count),
                truthCellCounts: truthCellCounts, truthImages: truthImages, truthCounts: truthCounts)
        } catch {
            preconditionFailure("drawn detections: \(error)")
        }
    }
}
