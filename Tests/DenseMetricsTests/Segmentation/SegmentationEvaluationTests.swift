import Determinism
import Reporting
import Testing

@testable import DenseMetrics

/// Two images, four classes; class 3 never occurs, class 2 is predicted and never labelled.
///
/// Image a: labels 0 0 0 0 1 1, predictions 0 0 0 1 1 2. Image b: labels 1 1 - -, predictions 1 0 0 0.
private func worked() throws -> SegmentationEvaluation {
    var counter = SegmentationCounter(coding: try LabelCoding(classCount: 4, ignoreLabel: 255))
    var evaluation = SegmentationEvaluation(classCount: 4)
    let a = try counter.counts(prediction: [0, 0, 0, 1, 1, 2] as [UInt8], label: [0, 0, 0, 0, 1, 1])
    let b = try counter.counts(prediction: [1, 0, 0, 0] as [UInt8], label: [1, 1, 255, 255])
    evaluation.add(a, image: "a")
    evaluation.add(b, image: "b")
    return evaluation
}

private func random(_ imageCount: Int, classCount: Int, accuracy: Double, seed: UInt64) throws -> SegmentationEvaluation
{
    var counter = SegmentationCounter(coding: try LabelCoding(classCount: classCount, ignoreLabel: 255))
    var evaluation = SegmentationEvaluation(classCount: classCount)
    for image in 0..<imageCount {
        var truth = RandomStream(seed: 1, purpose: "labels", UInt64(image))
        var noise = RandomStream(seed: seed, purpose: "predictions", UInt64(image))
        let label = (0..<200).map { _ in UInt8(truth.chance(0.1) ? 255 : truth.int(below: classCount)) }
        let prediction = label.map { value in
            value != 255 && noise.chance(accuracy) ? value : UInt8(noise.int(below: classCount))
        }
        evaluation.add(try counter.counts(prediction: prediction, label: label), image: "\(image)")
    }
    return evaluation
}

@Suite struct SegmentationEvaluationTests {
    /// Rounding of a handful of additions and divisions of numbers below 1.
    private let tolerance = 1e-15

    @Test func everyConventionByHand() throws {
        let evaluation = try worked()
        // Totals: I = 3 2 0 0; P = 4 3 1 0; L = 4 4 0 0; U = 5 5 1 0.
        let total = evaluation.total()
        #expect(
            total.intersection == [3, 2, 0, 0] && total.predicted == [4, 3, 1, 0] && total.labelled == [4, 4, 0, 0])
        let expected: [(SegmentationMetric, Double)] = [
            (.mIoU, (3.0 / 5 + 2.0 / 5 + 0) / 3),
            (.mIoUOfficial150, (3.0 / 5 + 2.0 / 5 + 0 + 0) / 4),
            (.mIoULabelledClasses, (3.0 / 5 + 2.0 / 5) / 2),
            // a: 3/4, 1/3, 0; b: 0/1, 1/2.
            (.mIoUPairs, (3.0 / 4 + 1.0 / 3 + 0 + 0 + 1.0 / 2) / 5),
            (.mIoUImages, ((3.0 / 4 + 1.0 / 3 + 0) / 3 + (0 + 1.0 / 2) / 2) / 2),
            (.frequencyWeightedIoU, 0.5 * 3 / 5 + 0.5 * 2 / 5),
            (.pixelAccuracy, 5.0 / 8),
            (.meanAccuracy, (3.0 / 4 + 2.0 / 4) / 2),
            (.meanDice, (6.0 / 8 + 4.0 / 7 + 0) / 3),
        ]
        #expect(expected.count == SegmentationMetric.allCases.count)
        for (metric, value) in expected {
            let found = try #require(evaluation.value(of: metric))
            #expect(abs(found - value) <= tolerance, "\(metric.rawValue): \(found), by hand \(value)")
        }
    }

    @Test func classTableLeavesAbsentScoresOut() throws {
        let table = try worked().classTable(names: ["sky", "tree"])
        #expect(table.map(\.name) == ["sky", "tree", nil, nil])
        #expect(table[2].iou == 0 && table[2].accuracy == nil && table[2].dice == 0)
        #expect(table[3].iou == nil && table[3].accuracy == nil && table[3].dice == nil)
    }

    @Test func nothingScoredIsUndefinedWithAReason() {
        var evaluation = SegmentationEvaluation(classCount: 2)
        evaluation.add(SegmentationCounts(classCount: 2), image: "empty")
        for metric in evaluation.metrics(bootstrap: Bootstrap(drawCount: 10)) {
            #expect(metric.value == nil && metric.reason == "no scored pixel" && metric.standardError == nil)
        }
    }

    @Test func orderAndSplitOfImagesChangeNothingInTheCounts() throws {
        let whole = try random(12, classCount: 5, accuracy: 0.6, seed: 2)
        var left = SegmentationEvaluation(classCount: 5)
        var right = SegmentationEvaluation(classCount: 5)
        for i in stride(from: 11, through: 0, by: -1) {
            if i % 2 == 0 {
                left.add(whole.counts(at: i), image: "\(i)")
            } else {
                right.add(whole.counts(at: i), image: "\(i)")
            }
        }
        left.merge(right)
        #expect(left.total() == whole.total())
        for metric in SegmentationMetric.allCases {
            let (a, b) = (try #require(left.value(of: metric)), try #require(whole.value(of: metric)))
            #expect(abs(a - b) <= 1e-14, "\(metric.rawValue)")
        }
    }

    @Test func perfectPredictionsScoreOneEverywhereButOfficially() throws {
        var counter = SegmentationCounter(coding: .ade20k)
        var evaluation = SegmentationEvaluation(classCount: 150)
        evaluation.add(try counter.counts(prediction: [1, 2, 2, 0] as [UInt8], label: [1, 2, 2, 0]), image: "a")
        for metric in SegmentationMetric.allCases {
            let expected = metric == .mIoUOfficial150 ? 2.0 / 150 : 1
            #expect(abs(evaluation.value(of: metric)! - expected) <= tolerance, "\(metric.rawValue)")
        }
    }

    @Test func anUnclassifiedPredictionCostsRecallAlone() throws {
        var counter = SegmentationCounter(coding: .ade20k)
        let counts = try counter.counts(prediction: [0, 2] as [UInt8], label: [1, 2])
        #expect(counts.unclassified == 1 && counts.predicted.reduce(0, +) == 1)
        #expect(SegmentationScores.iou(counts, 0) == 0 && SegmentationScores.iou(counts, 1) == 1)
    }

    @Test func weightsRepeatImages() throws {
        let whole = try random(4, classCount: 3, accuracy: 0.5, seed: 3)
        var repeated = SegmentationEvaluation(classCount: 3)
        for i in [0, 2, 2, 2] { repeated.add(whole.counts(at: i), image: "\(i)") }
        for metric in SegmentationMetric.allCases {
            let a = try #require(whole.value(of: metric, weights: [1, 0, 3, 0]))
            let b = try #require(repeated.value(of: metric))
            #expect(abs(a - b) <= tolerance, "\(metric.rawValue)")
        }
    }

    @Test func intervalsHoldTheValueAndDoNotDependOnThreads() throws {
        let evaluation = try random(30, classCount: 4, accuracy: 0.6, seed: 4)
        let bootstrap = Bootstrap(drawCount: 200, seed: 7)
        let before = Parallel.threadCount
        defer { Parallel.setThreadCount(before) }
        Parallel.setThreadCount(1)
        let one = evaluation.metrics(bootstrap: bootstrap)
        Parallel.setThreadCount(4)
        #expect(evaluation.metrics(bootstrap: bootstrap) == one)
        for metric in one {
            let interval = try #require(metric.interval)
            #expect(interval.lower < metric.value! && metric.value! < interval.upper, "\(metric.name)")
            #expect(metric.errorMethod == "bootstrap over images, 200 draws, seed 7")
        }
    }

    @Test func pairedDifferenceSeesASmallRealChange() throws {
        let better = try random(40, classCount: 4, accuracy: 0.62, seed: 5)
        let worse = try random(40, classCount: 4, accuracy: 0.50, seed: 6)
        let bootstrap = Bootstrap(drawCount: 300, seed: 1)
        let difference = try #require(better.difference(to: worse, in: .mIoU, bootstrap: bootstrap))
        #expect(difference.isEvident && difference.difference > 0 && difference.pValue < 0.05)
        let none = try #require(better.difference(to: better, in: .mIoU, bootstrap: bootstrap))
        #expect(!none.isEvident && none.difference == 0 && none.pValue == 1)
    }
}
