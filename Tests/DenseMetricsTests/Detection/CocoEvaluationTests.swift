import Annotations
import CMetricKernels
import Determinism
import Geometry
import Testing

@testable import DenseMetrics

@Suite struct CocoEvaluationTests {
    private func truth(_ annotations: [CocoAnnotation], images: Int = 3) -> CocoDataset {
        CocoDataset(
            images: (1...images).map { CocoImage(id: Int64($0), fileName: "", size: ImageSize(height: 50, width: 60)) },
            categories: [CocoCategory(id: 1, name: "a"), CocoCategory(id: 2, name: "b")], annotations: annotations)
    }

    private func object(_ id: Int64, image: Int64, _ box: CocoBox, category: Int64 = 1) -> CocoAnnotation {
        CocoAnnotation(id: id, imageID: image, categoryID: category, box: box, area: box.area)
    }

    private func drawn(_ key: UInt64) -> (CocoDataset, [DetectionResult]) {
        var stream = RandomStream(seed: 5, purpose: "coco evaluation test", key)
        var annotations: [CocoAnnotation] = []
        var results: [DetectionResult] = []
        for image in 1...12 as ClosedRange<Int64> {
            for _ in 0..<stream.int(below: 6) {
                let box = CocoBox(
                    x: stream.uniform(0...40), y: stream.uniform(0...40), width: stream.uniform(5...40),
                    height: stream.uniform(5...40))
                let category = Int64(1 + stream.int(below: 2))
                annotations.append(object(Int64(annotations.count + 1), image: image, box, category: category))
                if stream.chance(0.2) { annotations[annotations.count - 1].isCrowd = true }
                var moved = box
                moved.x += stream.uniform(-4...4)
                results.append(
                    DetectionResult(imageID: image, categoryID: category, score: stream.uniform(), box: moved))
            }
        }
        return (truth(annotations, images: 12), results)
    }

    private func stats(_ truth: CocoDataset, _ results: [DetectionResult]) throws -> [Double] {
        let matches = try CocoEvaluation.match(truth: truth, results: results, settings: CocoSettings(.box))
        return CocoEvaluation.summarize(CocoEvaluation.accumulate(matches)).stats
    }

    @Test func thresholdsAreNumPysLinspace() {
        let box = CocoSettings(.box)
        #expect(box.iouThresholds[7] != 0.5 + 0.05 * 7 && box.iouThresholds[8] != 0.9 && box.iouThresholds[9] == 0.95)
        #expect(box.iouThresholds[5] == 0.75)
        let differing = (0...100).filter { box.recallThresholds[$0] != Double($0) / 100 }
        #expect(differing == [35, 41, 47, 57, 69, 70, 82, 83, 94, 95])
        let literals = [0.026, 0.025, 0.025, 0.035, 0.035, 0.079, 0.079, 0.072, 0.072, 0.062, 0.062, 0.107, 0.107]
        #expect((0..<13).filter { CocoSettings.personSigmas[$0] != literals[$0] } == [0, 3, 4, 11, 12])
    }

    @Test func threadCountChangesNoBit() throws {
        let (truth, results) = drawn(1)
        let many = try stats(truth, results)
        let before = Parallel.threadCount
        Parallel.setThreadCount(1)
        defer { Parallel.setThreadCount(before) }
        #expect(try stats(truth, results).map(\.bitPattern) == many.map(\.bitPattern))
    }

    @Test func perfectResultsScoreOneAndNoneScoreZero() throws {
        let (truth, _) = drawn(2)
        let perfect = truth.annotations.filter { !$0.isCrowd }.map {
            DetectionResult(imageID: $0.imageID, categoryID: $0.categoryID, score: 0.5, box: $0.box)
        }
        let numbers = try stats(truth, perfect)
        #expect(numbers[0] > 1 - 1e-15 && numbers[8] == 1)
        let none = try CocoEvaluation.match(truth: truth, results: [], settings: CocoSettings(.box))
        let summary = CocoEvaluation.summarize(CocoEvaluation.accumulate(none))
        #expect(summary.stats[0] == 0 && summary.stats[8] == 0)
        #expect(summary.warnings.map(\.code).contains("no-results"))
        let empty = CocoDataset(images: truth.images, categories: truth.categories, annotations: [])
        #expect(try stats(empty, perfect) == [Double](repeating: -1, count: 12))
        let undefined = try CocoEvaluation.match(truth: empty, results: perfect, settings: CocoSettings(.box))
        #expect(CocoEvaluation.summarize(CocoEvaluation.accumulate(undefined)).metrics[0].value == nil)
    }

    @Test func aLowestFalsePositiveNeverHelpsAndCrowdsOnlyExcuse() throws {
        for key in 3..<9 as Range<UInt64> {
            let (truth, results) = drawn(key)
            let before = try stats(truth, results)
            let noise = DetectionResult(
                imageID: 1, categoryID: 1, score: -1, box: CocoBox(x: 200, y: 200, width: 9, height: 9))
            #expect(try stats(truth, results + [noise])[0] <= before[0])
            var crowded = truth
            crowded.annotations.append(object(999, image: 1, CocoBox(x: 200, y: 200, width: 50, height: 50)))
            crowded.annotations[crowded.annotations.count - 1].isCrowd = true
            #expect(try stats(crowded, results + [noise])[0] == before[0])
        }
    }

    @Test func knownSurprisesAreNamed() throws {
        let box = CocoBox(x: 1, y: 1, width: 20, height: 20)
        let zero = truth([object(0, image: 1, box), object(1, image: 2, box)])
        let results = [1, 2].map { DetectionResult(imageID: $0, categoryID: 1, score: 0.9, box: box) }
        let matches = try CocoEvaluation.match(truth: zero, results: results, settings: CocoSettings(.box))
        #expect(matches.warnings.map(\.code) == ["truth-id-0"])
        let numbers = try stats(zero, results)
        #expect(abs(numbers[0] - 0.252475247524752) < 1e-12)
        let twins = truth([object(7, image: 1, box), object(7, image: 2, box)])
        #expect(
            try CocoEvaluation.match(truth: twins, results: results, settings: CocoSettings(.box)).warnings.map(\.code)
                == ["repeated-annotation-id"])
    }

    @Test func inputsWithoutAnAnswerAreRefused() throws {
        let box = CocoBox(x: 1, y: 1, width: 20, height: 20)
        let good = truth([object(1, image: 1, box)])
        func refusal(_ truth: CocoDataset, _ results: [DetectionResult], _ overlap: CocoOverlap = .box)
            -> CocoInputError?
        {
            do {
                _ = try CocoEvaluation.match(truth: truth, results: results, settings: CocoSettings(overlap))
                return nil
            } catch { return error as? CocoInputError }
        }
        let elsewhere = DetectionResult(imageID: 44, categoryID: 1, score: 1, box: box)
        #expect(refusal(good, [elsewhere])?.record == "[0]")
        #expect(refusal(good, [DetectionResult(imageID: 1, categoryID: 1, score: 1)])?.side == .results)
        let boxed = DetectionResult(imageID: 1, categoryID: 1, score: 1, box: box)
        #expect(refusal(good, [boxed, DetectionResult(imageID: 1, categoryID: 1, score: 1)])?.record == "[1]")
        #expect(refusal(good, [boxed], .mask)?.side == .truth)
        #expect(refusal(good, [boxed], .keypoints)?.side == .truth)
        var noArea = good
        noArea.annotations[0].area = nil
        #expect(refusal(noArea, [boxed])?.record == "annotations[0] (id 1)")
        // The reference never returns from this one.
        var masked = good
        masked.annotations[0].segmentation = .polygons([[1, 1, 21, 1, 21, 21, 1, 21]])
        let long = RLEMask(size: ImageSize(height: 50, width: 60), runs: [51, 5000])
        let endless = DetectionResult(imageID: 1, categoryID: 1, score: 1, segmentation: .rle(long))
        #expect(refusal(masked, [endless], .mask)?.record == "[0], \"segmentation\"")
        let far = DetectionResult(imageID: 1, categoryID: 1, score: 1, box: CocoBox(x: 0, y: 0, width: 1e12, height: 9))
        #expect(refusal(masked, [far], .mask)?.record == "[0]")
        masked.annotations[0].segmentation = .polygons([])
        #expect(refusal(masked, [boxed], .mask)?.side == .truth)
    }

    @Test func linesAreTheOnesUsersKnow() throws {
        let (truth, results) = drawn(11)
        let matches = try CocoEvaluation.match(truth: truth, results: results, settings: CocoSettings(.box))
        let lines = CocoEvaluation.summarize(CocoEvaluation.accumulate(matches)).lines
        #expect(lines.count == 12)
        #expect(lines[1].hasPrefix(" Average Precision  (AP) @[ IoU=0.50      | area=   all | maxDets=100 ] = 0."))
        #expect(lines[6].hasPrefix(" Average Recall     (AR) @[ IoU=0.50:0.95 | area=   all | maxDets=  1 ] = 0."))
    }

    @Test func scoreOrderIsStable() {
        var stream = RandomStream(seed: 9, purpose: "score order test")
        for (number, count) in [0, 1, 15, 16, 17, 31, 64, 300, 1023, 1024, 1025, 5000, 5001].enumerated() {
            // Ties and both zeros; then values that differ in every digit, down to the smallest.
            let scores = (0..<count).map { _ in
                number % 2 == 0
                    ? Double(stream.int(below: 7) - 3) * (stream.int(below: 2) == 0 ? 1 : -1)
                    : (stream.uniform() - 0.5) * [1e-300, 1, 1e300][stream.int(below: 3)]
            }
            var order = [UInt32](repeating: 0, count: count)
            var scratch = order
            dmt_order_scores(scores, count, &order, &scratch)
            let expected = scores.indices.sorted { (-scores[$0], $0) < (-scores[$1], $1) }
            #expect(order.map(Int.init) == expected)
        }
    }
}
