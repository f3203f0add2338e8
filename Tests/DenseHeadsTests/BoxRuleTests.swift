import Determinism
import Foundation
import Geometry
import Testing

@testable import DenseHeads

@Suite struct AnchorTests {
    @Test func anchorsKeepAreaAndRatioAroundCellCorners() {
        let generator = AnchorGenerator(sizes: [32, 64], ratios: [0.5, 1, 2], strides: [4, 8])
        let anchors = generator.anchors(level: 1, height: 3, width: 5)
        #expect(anchors.count == 3 * 5 * 3)
        for (index, anchor) in anchors.enumerated() {
            let (cell, ratio) = (index / 3, [0.5, 1, 2][index % 3])
            #expect(abs(anchor.area - 64 * 64) < 1e-9)
            #expect(abs(anchor.height / anchor.width - ratio) < 1e-12)
            #expect(abs(anchor.center.x - Double(cell % 5 * 8)) < 1e-12)
            #expect(abs(anchor.center.y - Double(cell / 5 * 8)) < 1e-12)
        }
    }
}

@Suite struct BoxCoderTests {
    @Test func decodingUndoesEncoding() {
        var stream = RandomStream(seed: 3, purpose: "boxes")
        for coder in [BoxCoder(weights: [1, 1, 1, 1]), BoxCoder(weights: [10, 10, 5, 5])] {
            for _ in 0..<200 {
                let pair = randomBoxes(2, side: 100, &stream)
                let back = coder.decode(coder.encode(pair[1], from: pair[0]), from: pair[0])
                for (a, b) in [
                    (back.x0, pair[1].x0), (back.y0, pair[1].y0), (back.x1, pair[1].x1), (back.y1, pair[1].y1),
                ] {
                    #expect(abs(a - b) < 1e-9)
                }
            }
        }
    }

    @Test func growthIsCutAboveOnly() {
        let box = Box(x0: 0, y0: 0, x1: 10, y1: 10)
        let huge = BoxCoder(weights: [1, 1, 1, 1]).decode(SIMD4(0, 0, 50, 50), from: box)
        #expect(abs(huge.width - 10 * 62.5) < 1e-9)
        let tiny = BoxCoder(weights: [1, 1, 1, 1]).decode(SIMD4(0, 0, -20, 0), from: box)
        #expect(tiny.width < 1e-7 && tiny.width > 0)
    }
}

@Suite struct NonMaximumSuppressionTests {
    /// Marks losers pair by pair over the full order.
    private func twin(_ boxes: [Box], _ scores: [Float], _ threshold: Double) -> [Int] {
        let order = boxes.indices.sorted { (-scores[$0], Float($0)) < (-scores[$1], Float($1)) }
        var dead = [Bool](repeating: false, count: boxes.count)
        for (i, a) in order.enumerated() where !dead[a] {
            for b in order[(i + 1)...] where overlap(boxes[a], boxes[b]) > threshold { dead[b] = true }
        }
        return order.filter { !dead[$0] }
    }

    private func overlap(_ a: Box, _ b: Box) -> Double {
        let width = min(a.x1, b.x1) - max(a.x0, b.x0)
        let height = min(a.y1, b.y1) - max(a.y0, b.y0)
        if width <= 0 || height <= 0 { return 0 }
        return width * height / (a.area + b.area - width * height)
    }

    @Test func agreesWithTheQuadraticTwin() {
        var stream = RandomStream(seed: 8, purpose: "boxes")
        for count in [0, 1, 2, 17, 150] {
            let boxes = randomBoxes(count, side: 40, &stream)
            // Few distinct scores: many ties.
            let scores = boxes.map { _ in Float(stream.int(below: 6)) }
            let wanted = twin(boxes, scores, 0.4)
            #expect(NonMaximumSuppression.keep(boxes, scores: scores, threshold: 0.4) == wanted)
            #expect(
                NonMaximumSuppression.keep(boxes, scores: scores, threshold: 0.4, limit: 5) == Array(wanted.prefix(5)))
        }
    }

    @Test func groupsDoNotSuppressEachOther() {
        var stream = RandomStream(seed: 9, purpose: "boxes")
        let boxes = randomBoxes(120, side: 30, &stream)
        let scores = boxes.map { _ in Float(stream.uniform()) }
        let groups = boxes.map { _ in stream.int(below: 3) }
        // Torchvision's trick: move each group far away from the others.
        let moved = zip(boxes, groups).map { $0.translated(x: 1000 * Double($1), y: 0) }
        let wanted = twin(moved, scores, 0.5)
        let kept = NonMaximumSuppression.keep(boxes, scores: scores, groups: groups, groupCount: 3, threshold: 0.5)
        #expect(kept == wanted)
        let first = NonMaximumSuppression.keep(
            boxes, scores: scores, groups: groups, groupCount: 3, threshold: 0.5, limit: 7)
        #expect(first == Array(wanted.prefix(7)))
    }

    @Test func equalityWithTheThresholdSurvives() {
        let boxes = [Box(x0: 0, y0: 0, x1: 2, y1: 1), Box(x0: 1, y0: 0, x1: 2, y1: 1)]
        #expect(NonMaximumSuppression.keep(boxes, scores: [2, 1], threshold: 0.5) == [0, 1])
        #expect(NonMaximumSuppression.keep(boxes, scores: [2, 1], threshold: 0.499) == [0])
    }
}

@Suite struct BestScoresTests {
    @Test func agreesWithSorting() {
        var stream = RandomStream(seed: 4, purpose: "scores")
        for count in [0, 1, 5, 64, 300] {
            let scores = (0..<count).map { $0 % 13 == 7 ? Float.nan : Float(stream.int(below: 40)) }
            let order = scores.indices.filter { scores[$0].isFinite }
                .sorted { (-scores[$0], Float($0)) < (-scores[$1], Float($1)) }
            for limit in [1, 7, 1000] {
                #expect(BestScores.indices(limit, of: scores.indices) { scores[$0] } == Array(order.prefix(limit)))
            }
        }
    }
}

@Suite struct BoxMatcherTests {
    private func twin(_ matcher: BoxMatcher, _ truths: [Box], _ candidates: [Box]) -> BoxMatcher.Matches {
        let matrix = truths.map { truth in candidates.map { truth.iou($0) } }
        var matches = BoxMatcher.Matches(truths: [], verdicts: [])
        for column in candidates.indices {
            var best = 0
            for row in truths.indices where matrix[row][column] > matrix[best][column] { best = row }
            let value = matrix[best][column]
            matches.truths.append(Int32(best))
            matches.verdicts.append(value < matcher.low ? .background : value < matcher.high ? .ignored : .foreground)
            if matcher.lowQuality == .kept {
                for row in truths.indices {
                    let top = matrix[row].max() ?? 0
                    if top > 0 && matrix[row][column] == top { matches.verdicts[column] = .foreground }
                }
            }
        }
        return matches
    }

    @Test func agreesWithTheMatrixTwin() {
        var stream = RandomStream(seed: 21, purpose: "boxes")
        for (truthCount, candidateCount) in [(1, 1), (3, 40), (8, 200)] {
            let truths = randomBoxes(truthCount, side: 50, &stream)
            // Copies of truths and duplicates among the candidates make exact ties.
            let drawn = randomBoxes(candidateCount, side: 50, &stream)
            let candidates = drawn + truths + drawn.prefix(5)
            for matcher in [DetectionRules.detectron2.rpnMatcher, DetectionRules.detectron2.regionMatcher()] {
                #expect(matcher.match(truths: truths, candidates: candidates) == twin(matcher, truths, candidates))
            }
        }
    }

    @Test func aLowQualityMatchKeepsTheCandidatesOwnBestTruth() {
        // The candidate is the best of both truths; it overlaps the second more.
        let truths = [Box(x0: 0, y0: 0, x1: 10, y1: 2), Box(x0: 0, y0: 0, x1: 10, y1: 4)]
        let matches = DetectionRules.detectron2.rpnMatcher.match(
            truths: truths, candidates: [Box(x0: 0, y0: 0, x1: 10, y1: 10)])
        #expect(matches == BoxMatcher.Matches(truths: [1], verdicts: [.foreground]))
    }

    @Test func withoutTruthEverythingIsBackground() {
        var stream = RandomStream(seed: 2, purpose: "boxes")
        let matches = DetectionRules.detectron2.rpnMatcher.match(
            truths: [], candidates: randomBoxes(6, side: 10, &stream))
        #expect(matches.verdicts == [BoxMatcher.Verdict](repeating: .background, count: 6))
    }

    @Test func aTruthThatOverlapsNothingPromotesNothing() {
        let far = Box(x0: 900, y0: 900, x1: 910, y1: 910)
        let matches = DetectionRules.detectron2.rpnMatcher.match(
            truths: [far], candidates: [Box(x0: 0, y0: 0, x1: 5, y1: 5)])
        #expect(matches.verdicts == [.background])
    }
}

@Suite struct BalancedSamplerTests {
    @Test func countsShareAndMembershipHold() {
        var stream = RandomStream(seed: 6, purpose: "verdicts")
        let verdicts = (0..<500).map { _ in
            [BoxMatcher.Verdict.background, .ignored, .foreground][stream.int(below: 3)]
        }
        let sampler = BalancedSampler(count: 64, foregroundShare: 0.25)
        let draw = sampler.sample(verdicts, stream: RandomStream(seed: 1, purpose: "s"))
        #expect(draw.foreground.count == 16 && draw.background.count == 48)
        #expect(draw.foreground.allSatisfy { verdicts[$0] == .foreground })
        #expect(draw.background.allSatisfy { verdicts[$0] == .background })
        #expect(Set(draw.foreground + draw.background).count == 64)
        let again = sampler.sample(verdicts, stream: RandomStream(seed: 1, purpose: "s"))
        #expect(again.foreground == draw.foreground && again.background == draw.background)
        let other = sampler.sample(verdicts, stream: RandomStream(seed: 2, purpose: "s"))
        #expect(other.background != draw.background)
    }

    @Test func backgroundFillsWhatForegroundLeaves() {
        let verdicts = [BoxMatcher.Verdict.foreground] + [BoxMatcher.Verdict](repeating: .background, count: 30)
        let draw = BalancedSampler(count: 8, foregroundShare: 0.5).sample(
            verdicts, stream: RandomStream(seed: 1, purpose: "s"))
        #expect(draw.foreground == [0] && draw.background.count == 7)
    }

    @Test func everyMemberIsDrawnEquallyOften() {
        let verdicts = [BoxMatcher.Verdict](repeating: .background, count: 10)
        var counts = [Int](repeating: 0, count: 10)
        for seed in 0..<2000 {
            let stream = RandomStream(seed: UInt64(seed), purpose: "s")
            for index in BalancedSampler(count: 3, foregroundShare: 0.5).sample(verdicts, stream: stream).background {
                counts[index] += 1
            }
        }
        // Expected 600, deviation √(2000·0.3·0.7) ≈ 20.5: five of them.
        #expect(counts.allSatisfy { abs($0 - 600) < 103 })
    }
}

@Suite struct LevelAssignmentTests {
    @Test func sidesFallOnTheLevelsOfThePaper() {
        let levels = LevelAssignment(levels: 2...5)
        func index(_ side: Double) -> Int { levels.index(of: Box(x0: 3, y0: 4, x1: 3 + side, y1: 4 + side)) }
        #expect([10, 55.9, 56, 111.9, 112, 223.9, 224, 447.9, 448, 4000].map(index) == [0, 0, 0, 0, 1, 1, 2, 2, 3, 3])
        #expect(levels.index(of: Box(x0: 1, y0: 1, x1: 1, y1: 1)) == 0)
    }

    @Test func canonicalSizeScalesWithTheInput() {
        let small = LevelAssignment(levels: 2...4, canonicalSize: 28)
        #expect(small.index(of: Box(x0: 0, y0: 0, x1: 14, y1: 14)) == 1)
        #expect(small.index(of: Box(x0: 0, y0: 0, x1: 28, y1: 28)) == 2)
    }
}
