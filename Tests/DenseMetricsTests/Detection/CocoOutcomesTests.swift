import Annotations
import Determinism
import Geometry
import Testing

@testable import DenseMetrics

@Suite struct CocoOutcomesTests {
    private func drawn(_ key: UInt64) -> (CocoDataset, DetectionTable) {
        var stream = RandomStream(seed: 9, purpose: "coco outcomes test", key)
        var annotations: [CocoAnnotation] = []
        var results: [DetectionResult] = []
        for image in 1...10 as ClosedRange<Int64> {
            for _ in 0..<stream.int(below: 7) {
                let box = CocoBox(
                    x: stream.uniform(0...60), y: stream.uniform(0...60), width: stream.uniform(8...50),
                    height: stream.uniform(8...50))
                let category = Int64(1 + stream.int(below: 3))
                annotations.append(
                    CocoAnnotation(
                        id: Int64(annotations.count + 1), imageID: image, categoryID: category, box: box,
                        area: box.area, isCrowd: stream.chance(0.2)))
                for _ in 0..<stream.int(below: 4) {
                    var moved = box
                    moved.x += stream.uniform(-9...9)
                    // Few different scores, so that some are equal.
                    results.append(
                        DetectionResult(
                            imageID: image, categoryID: category, score: Double(stream.int(below: 8)) / 8, box: moved))
                }
            }
        }
        let truth = CocoDataset(
            images: (1...10).map { CocoImage(id: $0, fileName: "", size: ImageSize(height: 120, width: 120)) },
            categories: (1...3).map { CocoCategory(id: $0, name: "\($0)") }, annotations: annotations)
        return (truth, DetectionTable(results))
    }

    /// The same detections are right, wrong and excused as in the matches that COCO's numbers come from.
    @Test(arguments: 0..<12, [0.5, 0.75])
    func outcomesAreCocosMatches(_ key: Int, _ threshold: Double) throws {
        let (truth, results) = drawn(UInt64(key))
        var settings = CocoSettings(.box)
        let outcomes = try CocoOutcomes(truth: truth, results: results, settings: settings, threshold: threshold)
        settings.iouThresholds = [threshold]
        let matches = try CocoEvaluation.match(truth: truth, results: results, settings: settings)
        for classIndex in 0..<3 {
            var expected: [String] = []
            for detection in matches.classDetections[classIndex] {
                let (matched, ignored) = (matches.matched[detection] & 1, matches.ignored[detection] & 1)
                expected.append("\(matches.images[detection]) \(matches.scores[detection]) \(matched) \(ignored)")
            }
            var found: [String] = []
            for (place, image) in outcomes.images.enumerated() {
                for detection in image.detections where detection.classIndex == classIndex {
                    let matched = detection.outcome == .wrong ? 0 : 1
                    found.append("\(place) \(detection.score) \(matched) \(detection.outcome == .excused ? 1 : 0)")
                }
            }
            #expect(found == expected)
        }
    }

    /// What detections of lower score do changes nothing above them.
    @Test func countsFromAScoreAreThoseOfTheRest() throws {
        for key in 0..<6 as Range<UInt64> {
            let (truth, results) = drawn(key)
            let settings = CocoSettings(.box)
            let all = try CocoOutcomes(truth: truth, results: results, settings: settings)
            for score in [0.0, 0.25, 0.5, 0.9] {
                let kept = DetectionTable(results.records.filter { $0.score >= score })
                let part = try CocoOutcomes(truth: truth, results: kept, settings: settings)
                #expect(all.images.map { $0.counts(from: score) } == part.images.map { $0.counts(from: -1) })
            }
        }
    }

    @Test func curvesAreThoseOfCounting() throws {
        let (truth, results) = drawn(3)
        let outcomes = try CocoOutcomes(truth: truth, results: results, settings: CocoSettings(.box))
        let curves = CocoF1Curves(outcomes)
        #expect(curves.scores.count == 101 && curves.scores[0] == 0 && curves.scores[100] == 1)
        for (at, score) in curves.scores.enumerated() {
            var sum = 0.0
            for classIndex in 0..<3 {
                var (right, wrong, objects) = (0, 0, 0)
                for image in outcomes.images {
                    objects += image.objects.count { $0.classIndex == classIndex && !$0.isExcused }
                    for entry in image.detections where entry.classIndex == classIndex && entry.score >= score {
                        if entry.outcome == .wrong { wrong += 1 } else if entry.outcome != .excused { right += 1 }
                    }
                }
                let f1 = Double(2 * right) / Double(right + wrong + objects)
                #expect(abs(try #require(curves.classes[classIndex]).f1[at] - f1) < 1e-12)
                sum += f1
            }
            #expect(abs(try #require(curves.mean).f1[at] - sum / 3) < 1e-12)
        }
        let best = try #require(curves.best)
        #expect(best.f1 == curves.mean?.f1.max())
    }

    @Test func withoutObjectsThereIsNoCurve() throws {
        var (truth, results) = drawn(1)
        truth.annotations = []
        let curves = CocoF1Curves(try CocoOutcomes(truth: truth, results: results, settings: CocoSettings(.box)))
        #expect(curves.mean == nil && curves.best == nil && curves.classes.allSatisfy { $0 == nil })
        results = DetectionTable()
        let empty = try CocoOutcomes(truth: truth, results: results, settings: CocoSettings(.box))
        #expect(empty.images.count == 10 && empty.images.allSatisfy { $0.counts(from: 0).f1 == nil })
    }
}

@Suite struct CalibrationTests {
    @Test func binsAndErrorByHand() throws {
        // Two bins: (0, 0.5] holds 0.25 wrong and 0.5 right; (0.5, 1] holds 0.75 right, 1 right, 0.95 wrong.
        let calibration = try #require(
            Calibration([(0.25, false), (0.5, true), (0.75, true), (1, true), (0.95, false)], binCount: 2))
        #expect(calibration.bins.map(\.count) == [2, 3])
        #expect(calibration.bins[0].confidence == 0.375 && calibration.bins[0].accuracy == 0.5)
        let upper = try #require(calibration.bins[1].confidence)
        #expect(abs(upper - 0.9) < 1e-15)
        let expected = 0.4 * 0.125 + 0.6 * (0.9 - 2.0 / 3)
        #expect(abs(try #require(calibration.expectedError) - expected) < 1e-12)
    }

    @Test func confidenceThatIsTrueHasNoError() throws {
        let calibration = try #require(
            Calibration((0..<100).map { (0.25, $0 % 4 == 0) } + (0..<100).map { (0.75, $0 % 4 != 0) }))
        #expect(abs(try #require(calibration.expectedError)) < 1e-12)
    }

    @Test func edges() throws {
        #expect(Calibration([(0, true), (1, false)])?.bins.map(\.count) == [1, 0, 0, 0, 0, 0, 0, 0, 0, 1])
        #expect(Calibration([(1.5, true)]) == nil && Calibration([(-0.1, true)]) == nil)
        #expect(Calibration([(.nan, true)]) == nil)
        let empty = try #require(Calibration([]))
        #expect(empty.expectedError == nil && empty.bins.allSatisfy { $0.accuracy == nil })
    }
}
