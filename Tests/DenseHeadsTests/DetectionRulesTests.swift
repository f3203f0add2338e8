import Autograd
import Determinism
import Foundation
import Geometry
import NeuralLayers
import TensorCore
import TestSupport
import Testing

@testable import DenseHeads

/// What the three libraries do differently, one test a difference; whole detectors stand in the harness's golden tests.
@Suite struct DetectionRulesTests {
    @Test("mmdetection gives a low-quality match to the truth it is best for; the others leave it its own best")
    func lowQuality() {
        // The first candidate overlaps the second truth more, and is the best of the first.
        let truths = [Box(x0: 0, y0: 0, x1: 10, y1: 4), Box(x0: 0, y0: 0, x1: 10, y1: 6)]
        let candidates = [Box(x0: 0, y0: 0, x1: 10, y1: 10), Box(x0: 0, y0: 20, x1: 10, y1: 30)]
        let kept = DetectionRules.detectron2.rpnMatcher.match(truths: truths, candidates: candidates)
        #expect(kept.truths[0] == 1 && kept.verdicts == [.foreground, .background])
        #expect(DetectionRules.torchvision.rpnMatcher == DetectionRules.detectron2.rpnMatcher)
        // The candidate is the best of both truths; the last one keeps it.
        let overwritten = DetectionRules.mmdetection.rpnMatcher.match(truths: truths, candidates: candidates)
        #expect(overwritten.truths[0] == 1)
        let turned = DetectionRules.mmdetection.rpnMatcher.match(truths: truths.reversed(), candidates: candidates)
        #expect(turned.truths[0] == 1 && turned.verdicts[0] == .foreground)
        // Below 0.3 nothing is promoted there, while detectron2 promotes whatever is best.
        let small = [Box(x0: 0, y0: 0, x1: 10, y1: 2)]
        #expect(
            DetectionRules.mmdetection.rpnMatcher.match(truths: small, candidates: candidates).verdicts[0]
                == .background)
        #expect(
            DetectionRules.detectron2.rpnMatcher.match(truths: small, candidates: candidates).verdicts[0] == .foreground
        )
    }

    @Test("regions keep low-quality matches from 0.5 on in mmdetection, and none in its cascade")
    func regionMatching() {
        #expect(DetectionRules.mmdetection.regionMatcher().lowQuality == .overwriting(least: 0.5))
        #expect(DetectionRules.detectron2.regionMatcher().lowQuality == .refused)
        let stages = MaskRCNNConfiguration.cascade(.mmdetection)
        #expect(stages.map(\.matcher.high) == [0.5, 0.6, 0.7] && stages.map(\.weight) == [1, 0.5, 0.25])
        #expect(stages.allSatisfy { $0.matcher.lowQuality == .refused })
    }

    @Test("mmdetection cuts shrinking as it cuts growing")
    func shrinking() {
        let (box, deltas) = (Box(x0: 0, y0: 0, x1: 100, y1: 100), SIMD4<Double>(0, 0, -9, 9))
        for rules in DetectionRules.allCases {
            let found = rules.coder([1, 1, 1, 1]).decode(deltas, from: box)
            #expect(abs(found.height - 100 * 1000 / 16) < 1e-6)
            #expect(abs(found.width - (rules == .mmdetection ? 100 * 16.0 / 1000 : 100 * exp(-9))) < 1e-9)
        }
    }

    @Test("epsilons decide boxes just below a border of levels")
    func levels() {
        func level(_ side: Double, _ rules: DetectionRules) -> Int {
            LevelAssignment(levels: 2...5, rules: rules).index(of: Box(x0: 0, y0: 0, x1: side, y1: side))
        }
        // 112 is a border: log2(112 / 224) = −1.
        #expect(DetectionRules.allCases.map { level(112, $0) } == [1, 1, 1])
        #expect(DetectionRules.allCases.map { level(111.9, $0) } == [0, 0, 0])
        let short = 112 * (1 - 3e-7)
        #expect(level(short, .detectron2) == 0 && level(short, .torchvision) == 1 && level(short, .mmdetection) == 1)
        let shorter = 112 * (1 - 6e-7)
        #expect(level(shorter, .torchvision) == 1 && level(shorter, .mmdetection) == 0)
    }

    @Test("torchvision rounds anchors to whole pixels, halves to even")
    func anchors() {
        let exact = AnchorGenerator(sizes: [32], strides: [4]).cell(level: 0)
        #expect(abs(exact[0].width - 32 * 2.0.squareRoot()) < 1e-12)
        let rounded = AnchorGenerator(sizes: [32, 9], strides: [4, 8], rounds: true)
        #expect(rounded.cell(level: 0)[0] == Box(x0: -23, y0: -11, x1: 23, y1: 11))
        #expect(rounded.cell(level: 1)[1] == Box(x0: -4, y0: -4, x1: 4, y1: 4))
    }

    @Test("mask targets: cut at 0.5 and shifted, or shares and unshifted")
    func maskTargets() {
        let size = ImageSize(height: 6, width: 6)
        let pixels = (0..<36).map { UInt8($0 % 6 < 3 ? 1 : 0) }
        let mask = InstanceMask.bitmap(BinaryMask(size: size, pixels: pixels))
        let box = Box(x0: 1, y0: 1, x1: 5, y1: 5)
        #expect(Array(mask.target(within: box, side: 4, .detectron2)[..<4]) == [1, 1, 0, 0])
        // Cell centres at 1.5, 2.5, 3.5, 4.5 between pixels of whole coordinates: 2.5 lies halfway out.
        #expect(Array(mask.target(within: box, side: 4, .torchvision)[..<4]) == [1, 0.5, 0, 0])
    }

    @Test("GIoU's gradient agrees with differences, also for boxes that do not touch")
    func overlapLoss() {
        var stream = RandomStream(seed: 3, purpose: "boxes")
        for limits in [false, true] {
            let coder = BoxCoder(weights: [10, 10, 5, 5], limitsShrinking: limits)
            for _ in 0..<50 {
                let pair = randomBoxes(2, side: 60, &stream)
                let deltas = SIMD4<Double>((0..<4).map { _ in 0.7 * stream.normal() })
                let (_, gradient) = coder.overlapLoss(deltas, from: pair[0], to: pair[1])
                for index in 0..<4 {
                    func value(_ step: Double) -> Double {
                        var moved = deltas
                        moved[index] += step
                        return coder.overlapLoss(moved, from: pair[0], to: pair[1]).value
                    }
                    let difference = (value(1e-6) - value(-1e-6)) / 2e-6
                    #expect(abs(difference - gradient[index]) < 1e-6 * max(1, abs(difference)))
                }
            }
        }
        let same = Box(x0: 3, y0: 4, x1: 9, y1: 8)
        let perfect = BoxCoder(weights: [1, 1, 1, 1]).overlapLoss(.zero, from: same, to: same)
        #expect(abs(perfect.value) < 1e-12)
    }

    @Test("unshifted regions agree with differences and are at least a map pixel wide")
    func unshiftedPooling() {
        let map = Parameter(randomMap([1, 6, 7, 3], seed: 4, .f64))
        let rois = [
            ROI(image: 0, level: 0, box: (3, 5, 20, 19)), ROI(image: 0, level: 0, box: (9, 9, 9.5, 9.2)),
        ]
        func pooled(_ map: Variable, _ rois: [ROI]) -> Variable {
            .roiAlign(levels: [map], rois: rois, size: 2, samplingRatio: 2, aligned: false, strides: [4])
        }
        let wide = [ROI(image: 0, level: 0, box: (9, 9, 13, 13))]
        #expect(
            pooled(Variable(map.value), Array(rois[1...])).value.doubles()
                == pooled(Variable(map.value), wide).value.doubles())
        checkGradients(Nothing(), extra: [map]) { forward in
            pooled(forward(map), rois).multiplied(by: pooled(forward(map), rois)).sum()
        }
    }
}

private final class Nothing: Layer {
    static var slots: [Slot<Nothing>] { [] }
}

@Suite struct FeaturePyramidNetworkTests {
    @Test func gradientsAgreeWithDifferencesAndStatesAreCovered() throws {
        var stream = RandomStream(seed: 2, purpose: "init")
        let specs = [(3, 4), (4, 8), (5, 16)].map { FeatureSpec(name: "m", channels: $0, stride: $1) }
        let network = try FeaturePyramidNetwork(inputs: specs, channels: 4, &stream)
        expectSlotsCoverState(network)
        #expect(network.outputSpecs.map(\.stride) == [4, 8, 16, 32])
        // Odd sides: a pixel of the coarser map is repeated unequally.
        let sides = [(7, 5), (4, 3), (2, 2)]
        let maps = zip(specs, sides).map { randomMap([2, $1.0, $1.1, $0.channels], seed: UInt64($1.0), .f64) }
        checkGradients(network) { forward in
            let levels = network(FeatureMaps(zip(specs, maps).map { ($0, Variable($1)) }), forward)
            return Variable.weightedSum(
                levels.maps.enumerated().map { ($1.map.multiplied(by: $1.map).sum(), 0.5 + Double($0)) })
        }
    }

    @Test func mapsOfOtherStridesAreRefused() {
        var stream = RandomStream(seed: 2, purpose: "init")
        let specs = [4, 16].map { FeatureSpec(name: "m", channels: 3, stride: $0) }
        #expect(throws: HeadConfigurationError.self) {
            try FeaturePyramidNetwork(inputs: specs, channels: 4, &stream)
        }
    }
}
