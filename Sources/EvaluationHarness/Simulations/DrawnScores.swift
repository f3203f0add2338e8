import Annotations
import DenseMetrics
import Determinism
import Foundation
import Geometry

/// Scores of a model that does not exist: what intervals and gates are tried on.
///
/// The numbers are those of the real counting and matching; only pictures and network are left out. Images differ in how
/// hard they are, classes in how frequent and how hard, as in real data sets: with images all alike any interval would do.
/// Image `i` of data set `d` is a pure function of the seed, `d` and `i`.
struct DrawnScores: Sendable {
    var seed: UInt64
    var classCount = 12
    /// Added to what every object and region is recognised by; the truth stays the same.
    var skill = 0.0
    /// How strongly images differ in difficulty, as a standard deviation on the scale of `skill`.
    var spread = 0.7
    /// The draw of the model: other predictions of equal skill on the same truth.
    var model: UInt64 = 0

    /// Class `k` occurs in proportion to `1 / (k + 1)`.
    private func drawClass(_ stream: inout RandomStream) -> Int {
        let total = (1...classCount).reduce(0.0) { $0 + 1 / Double($1) }
        var rest = stream.uniform() * total
        for k in 0..<classCount {
            rest -= 1 / Double(k + 1)
            if rest < 0 { return k }
        }
        return classCount - 1
    }

    private func logistic(_ x: Double) -> Double { 1 / (1 + exp(-x)) }

    /// Rare classes are the harder ones.
    private func ease(_ k: Int) -> Double { 1.6 - 2 * Double(k) / Double(classCount) }

    // MARK: Segmentation

    /// The counts of images `0..<count` of a data set: each shows one to six classes on 10,000 pixels; of a class's region a
    /// share `logistic(ease + skill + image + region)` is right, the rest goes half to another class of the image, half to
    /// any class.
    func segmentation(dataset: UInt64, count: Int) -> SegmentationEvaluation {
        var evaluation = SegmentationEvaluation(classCount: classCount)
        for index in 0..<count { evaluation.add(counts(dataset, index), image: "\(index)") }
        return evaluation
    }

    private func counts(_ dataset: UInt64, _ index: Int) -> SegmentationCounts {
        var truth = RandomStream(seed: seed, purpose: "drawn labels", dataset, UInt64(index))
        var noise = RandomStream(seed: seed, purpose: "drawn label maps", dataset, UInt64(index), model)
        let image = spread * truth.normal()
        let shown = Set((0..<1 + truth.int(below: 6)).map { _ in drawClass(&truth) }).sorted()
        let parts = shown.map { _ in -log(1 - truth.uniform()) }
        let whole = parts.reduce(0, +)
        var counts = SegmentationCounts(classCount: classCount)
        for (k, part) in zip(shown, parts) {
            let pixels = UInt64(1 + 10_000 * part / whole)
            let share = logistic(ease(k) + skill + image + 0.7 * noise.normal())
            let right = UInt64(Double(pixels) * share)
            counts.labelled[k] += pixels
            counts.intersection[k] += right
            counts.predicted[k] += right
            let wrong = pixels - right
            let neighbour = shown[noise.int(below: shown.count)]
            // What a class takes from itself would be right.
            let first = neighbour == k ? (k + 1) % classCount : neighbour
            let other = drawClass(&noise)
            counts.predicted[first] += wrong / 2
            counts.predicted[other == k ? (k + 1) % classCount : other] += wrong - wrong / 2
        }
        return counts
    }

    // MARK: Detection

    /// Truth and results of images `0..<count` of a data set: one to nine objects of 12 to 300 pixels on 640 x 480; an object is
    /// found with a chance of `logistic(ease + skill + image + object)`, its box moves by about 8 % of its size, its score
    /// grows with what it was recognised by. Up to three false boxes an image have lower scores.
    func detection(dataset: UInt64, count: Int) -> (truth: CocoDataset, results: [DetectionResult]) {
        var (images, annotations, results): ([CocoImage], [CocoAnnotation], [DetectionResult]) = ([], [], [])
        for index in 0..<count {
            let id = Int64(index + 1)
            images.append(CocoImage(id: id, fileName: "\(index)", size: ImageSize(height: 480, width: 640)))
            var truth = RandomStream(seed: seed, purpose: "drawn boxes", dataset, UInt64(index))
            var noise = RandomStream(seed: seed, purpose: "drawn detections", dataset, UInt64(index), model)
            let image = spread * truth.normal()
            for _ in 0..<1 + truth.int(below: 9) {
                let k = drawClass(&truth)
                let (width, height) = (side(&truth), side(&truth))
                let box = CocoBox(
                    x: truth.uniform() * (640 - width), y: truth.uniform() * (480 - height), width: width,
                    height: height)
                annotations.append(
                    CocoAnnotation(
                        id: Int64(annotations.count + 1), imageID: id, categoryID: Int64(k + 1), box: box,
                        area: width * height))
                let quality = ease(k) + skill + image + 0.7 * noise.normal()
                guard noise.chance(logistic(quality)) else { continue }
                results.append(
                    DetectionResult(
                        imageID: id, categoryID: Int64(k + 1), score: logistic(quality + 0.7 * noise.normal()),
                        box: moved(box, by: 0.08 * exp(0.5 * noise.normal() - 0.2 * quality), &noise)))
            }
            for _ in 0..<noise.int(below: 4) {
                results.append(
                    DetectionResult(
                        imageID: id, categoryID: Int64(drawClass(&noise) + 1),
                        score: logistic(noise.normal() - 0.5 - 0.5 * skill),
                        box: CocoBox(
                            x: noise.uniform() * 340, y: noise.uniform() * 180, width: side(&noise),
                            height: side(&noise))))
            }
        }
        let categories = (1...classCount).map { CocoCategory(id: Int64($0), name: "class \($0)") }
        return (CocoDataset(images: images, categories: categories, annotations: annotations), results)
    }

    private func side(_ stream: inout RandomStream) -> Double { 12 * exp(stream.uniform() * log(25.0)) }

    private func moved(_ box: CocoBox, by share: Double, _ stream: inout RandomStream) -> CocoBox {
        CocoBox(
            x: box.x + share * box.width * stream.normal(), y: box.y + share * box.height * stream.normal(),
            width: box.width * exp(share * stream.normal()), height: box.height * exp(share * stream.normal()))
    }
}
