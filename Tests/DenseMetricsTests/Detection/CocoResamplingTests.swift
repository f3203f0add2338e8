import Annotations
import Determinism
import Geometry
import Testing

@testable import DenseMetrics

/// Counting with weights against the slow way: copies of the images, matched and accumulated from the start.
@Suite struct CocoResamplingTests {
    private let imageCount = 9

    private func drawn(_ key: UInt64) -> (CocoDataset, [DetectionResult]) {
        var stream = RandomStream(seed: 8, purpose: "coco resampling test", key)
        var annotations: [CocoAnnotation] = []
        var results: [DetectionResult] = []
        for image in 1...Int64(imageCount) {
            for _ in 0..<stream.int(below: 9) {
                let box = CocoBox(
                    x: stream.uniform(0...60), y: stream.uniform(0...60), width: stream.uniform(4...140),
                    height: stream.uniform(4...140))
                let category = Int64(1 + stream.int(below: 3))
                annotations.append(
                    CocoAnnotation(
                        id: Int64(annotations.count + 1), imageID: image, categoryID: category, box: box,
                        area: box.area,
                        isCrowd: stream.chance(0.15)))
                for _ in 0..<stream.int(below: 4) {
                    var moved = box
                    moved.x += stream.uniform(-9...9)
                    moved.width *= stream.uniform(0.7...1.3)
                    results.append(
                        DetectionResult(
                            imageID: image, categoryID: stream.chance(0.9) ? category : 1, score: stream.uniform(),
                            box: moved))
                }
            }
        }
        return (dataset(annotations, images: (1...Int64(imageCount)).map { $0 }), results)
    }

    private func dataset(_ annotations: [CocoAnnotation], images: [Int64]) -> CocoDataset {
        CocoDataset(
            images: images.map { CocoImage(id: $0, fileName: "", size: ImageSize(height: 200, width: 200)) },
            categories: (1...3).map { CocoCategory(id: $0, name: "\($0)") }, annotations: annotations)
    }

    private func summary(
        _ truth: CocoDataset, _ results: [DetectionResult], _ settings: CocoSettings
    ) throws -> [Double?] {
        let matches = try CocoEvaluation.match(truth: truth, results: results, settings: settings)
        return CocoEvaluation.summarize(CocoEvaluation.accumulate(matches)).metrics.map(\.value)
    }

    /// Image i, `weights[i]` times, each copy an image of its own.
    private func copied(
        _ truth: CocoDataset, _ results: [DetectionResult], _ weights: [UInt32]
    ) -> (CocoDataset, [DetectionResult]) {
        var annotations: [CocoAnnotation] = []
        var copies: [DetectionResult] = []
        var images: [Int64] = []
        for (index, weight) in weights.enumerated() {
            for copy in 0..<Int64(weight) {
                let id = Int64(index + 1) * 100 + copy
                images.append(id)
                for var annotation in truth.annotations where annotation.imageID == Int64(index + 1) {
                    annotation.imageID = id
                    annotation.id = Int64(annotations.count + 1)
                    annotations.append(annotation)
                }
                for var result in results where result.imageID == Int64(index + 1) {
                    result.imageID = id
                    copies.append(result)
                }
            }
        }
        return (dataset(annotations, images: images), copies)
    }

    private func expectAgreement(_ first: [Double?], _ second: [Double?]) {
        #expect(first.count == second.count)
        for (a, b) in zip(first, second) {
            #expect((a == nil) == (b == nil), "\(first) \(second)")
            if let a, let b { #expect(abs(a - b) < 1e-12, "\(first) \(second)") }
        }
    }

    @Test(arguments: 0..<12 as Range<UInt64>)
    func weightsAreCopiesOfImages(key: UInt64) throws {
        let (truth, results) = drawn(key)
        var settings = CocoSettings(.box)
        if key % 3 == 1 { settings.maxDetections = [1, 2, 100] }
        if key % 3 == 2 { settings.usesCategories = false }
        let resampling = CocoResampling(
            try CocoEvaluation.match(truth: truth, results: results, settings: settings))
        expectAgreement(
            resampling.values(weights: [UInt32](repeating: 1, count: imageCount)),
            try summary(truth, results, settings))
        for draw in 0..<8 as Range<UInt64> {
            var stream = RandomStream(seed: 9, purpose: "coco resampling weights", key, draw)
            var weights = [UInt32](repeating: 0, count: imageCount)
            for _ in 0..<imageCount { weights[stream.int(below: imageCount)] += 1 }
            let (copies, copiedResults) = copied(truth, results, weights)
            expectAgreement(
                resampling.values(weights: weights), try summary(copies, copiedResults, settings))
        }
    }

    @Test(
        "an image's own AP is that of a data set of this image alone, and the counts add up",
        arguments: 0..<6 as Range<UInt64>)
    func imagesAlone(key: UInt64) throws {
        let (truth, results) = drawn(key)
        let matches = try CocoEvaluation.match(truth: truth, results: results, settings: CocoSettings(.box))
        let resampling = CocoResampling(matches)
        let scores = CocoEvaluation.imageScores(matches, minimumScore: 0.5)
        for image in 0..<imageCount {
            var weights = [UInt32](repeating: 0, count: imageCount)
            weights[image] = 1
            expectAgreement([scores[image].averagePrecision], [resampling.values(weights: weights)[0]])
        }
        let counted = truth.annotations.count { !$0.isCrowd }
        #expect(scores.reduce(0) { $0 + $1.truePositives + $1.falseNegatives } == counted)
        let confident = results.count { $0.score >= 0.5 }
        let positives = scores.reduce(0) { $0 + $1.truePositives + $1.falsePositives }
        // Those on crowds count as neither.
        #expect(positives <= confident && positives > confident / 2 && scores.contains { $0.falsePositives > 0 })
        let none = CocoEvaluation.imageScores(matches, minimumScore: 2)
        #expect(none.allSatisfy { $0.truePositives == 0 && $0.falsePositives == 0 })
        #expect(none.map(\.averagePrecision) == scores.map(\.averagePrecision))
    }

    @Test("the numbers of classes are those of the curves")
    func classes() throws {
        let (truth, results) = drawn(3)
        let matches = try CocoEvaluation.match(truth: truth, results: results, settings: CocoSettings(.box))
        let curves = CocoEvaluation.accumulate(matches)
        let found = CocoResampling(matches).valuesWithClasses(weights: [UInt32](repeating: 1, count: imageCount))
        expectAgreement(found.classes, CocoEvaluation.classMetrics(curves).map { $0[0].value })
        expectAgreement(found.metrics, CocoEvaluation.summarize(curves).metrics.map(\.value))
    }

    @Test("stored columns make the same matches again; columns that cannot be are refused by name")
    func stored() throws {
        let (truth, results) = drawn(2)
        let matches = try CocoEvaluation.match(truth: truth, results: results, settings: CocoSettings(.box))
        func stored(
            scores: [Double]? = nil, images: [Int32]? = nil, matched: [UInt16]? = nil, counts: [Int]? = nil,
            truthCounts: [Int32]? = nil, truthImages: [Int32]? = nil
        ) throws -> CocoMatches {
            try CocoMatches(
                settings: matches.settings, imageIDs: matches.imageIDs, categoryIDs: matches.categoryIDs,
                detectionCounts: counts ?? matches.classDetections.map(\.count), scores: scores ?? matches.scores,
                images: images ?? matches.images, matched: matched ?? matches.matched, ignored: matches.ignored,
                truthCellCounts: matches.classTruthCells.map(\.count), truthImages: truthImages ?? matches.truthImages,
                truthCounts: truthCounts ?? matches.truthCounts)
        }
        let again = CocoEvaluation.summarize(CocoEvaluation.accumulate(try stored()))
        #expect(again.metrics == CocoEvaluation.summarize(CocoEvaluation.accumulate(matches)).metrics)
        var scores = matches.scores
        scores[0] = .nan
        var images = matches.images
        images[1] = 99
        var truthCounts = matches.truthCounts
        truthCounts[0] = -1
        let faults: [(String, () throws -> CocoMatches)] = [
            ("scores", { try stored(scores: scores) }), ("images", { try stored(images: images) }),
            ("matched", { try stored(matched: Array(matches.matched.dropLast())) }),
            ("detections", { try stored(counts: [1, 2, 3]) }),
            ("truth_counts", { try stored(truthCounts: truthCounts) }),
            ("scores", { try stored(scores: matches.scores.reversed()) }),
            ("truth_images", { try stored(truthImages: matches.truthImages.map { _ in 0 }) }),
        ]
        for (column, body) in faults {
            let error = #expect(throws: CocoColumnFault.self) { _ = try body() }
            #expect(error?.column == column)
        }
    }

    @Test func aClassWithoutTruthInADrawIsLeftOut() throws {
        let box = CocoBox(x: 1, y: 1, width: 40, height: 40)
        let truth = dataset(
            [1, 2].map {
                CocoAnnotation(id: $0, imageID: $0, categoryID: $0, box: box, area: box.area)
            }, images: [1, 2])
        let found = [DetectionResult(imageID: 1, categoryID: 1, score: 0.5, box: box)]
        let resampling = CocoResampling(
            try CocoEvaluation.match(truth: truth, results: found, settings: CocoSettings(.box)))
        #expect(abs(resampling.values(weights: [1, 1])[1]! - 0.5) < 1e-12)
        #expect(resampling.values(weights: [2, 0])[1]! > 0.999)
        #expect(resampling.values(weights: [0, 2])[1] == 0)
        #expect(resampling.values(weights: [0, 0]).allSatisfy { $0 == nil })
        // No small object anywhere.
        #expect(resampling.values(weights: [1, 1])[3] == nil)
    }
}
