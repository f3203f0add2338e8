import Determinism
import Geometry
import NeuralLayers
import TensorCore
import Testing

@testable import DenseHeads

@Suite struct CascadeGradientTests {
    private typealias Region = (picture: Int, box: Box)
    private static let pictures = SmallDetector.targets()
    private static let truths = pictures.map(\.learnable)

    private static func proposals() -> [[Box]] {
        var stream = RandomStream(seed: 12, purpose: "boxes of a cascade")
        return truths.map { instances in
            instances.flatMap { instance in
                (0..<3).map { _ in instance.box.translated(x: stream.normal(), y: stream.normal()) }
            } + [Box(x0: 50, y0: 2, x1: 62, y1: 12)]
        }
    }

    /// No gradient passes the boxes that one stage hands to the next: differences are taken with those boxes held.
    @Test(arguments: [BoxLoss.smoothL1(beta: 1), .generalizedIoU(weight: 2)])
    func cascadeGradientsAgreeWithDifferences(_ boxLoss: BoxLoss) throws {
        var small = SmallDetector.configuration()
        (small.boxConvolutionCount, small.boxConvolutionChannels, small.maskConvolutionCount) = (1, 8, 1)
        (small.maskPoolSize, small.maskChannels, small.boxLinearWidth) = (4, 8, 12)
        small.regionSampler = BalancedSampler(count: 5, foregroundShare: 0.6)
        small.stages = MaskRCNNConfiguration.cascade(.detectron2)
        small.boxLoss = boxLoss
        let heads = try SmallDetector.model(small).regions
        let map = Parameter(randomMap([2, 16, 16, 16], seed: 3, .f64))
        var held: [RegionSamples] = []
        checkGradients(heads, extra: [map]) { forward in
            let maps = SmallDetector.levels(forward(map))
            if held.isEmpty { held = Self.samples(heads, maps, forward) }
            if forward.tape != nil {
                return LossTerm.total(
                    heads.loss(
                        maps, proposals: Self.proposals(), truths: Self.truths, contents: Self.pictures.map(\.size),
                        forward))
            }
            return LossTerm.total(
                held.enumerated().flatMap { stage, samples in
                    heads.loss(
                        maps, samples, heads.boxes(maps, Self.regions(samples), stage: stage, forward),
                        samples.meanCounts(forward), stage: stage, forward)
                })
        }
        #expect(held.count == 3 && held.allSatisfy { !$0.foreground.isEmpty }, "\(held.map(\.foreground.count))")
    }

    private static func regions(_ samples: RegionSamples) -> [Region] {
        samples.regions.map { (picture: $0.picture, box: $0.box) }
    }

    /// What each stage sees: the boxes that the stage before made of its own.
    private static func samples(_ heads: RegionHeads, _ maps: FeatureMaps, _ forward: Forward) -> [RegionSamples] {
        var (boxes, all) = (proposals(), [RegionSamples]())
        for stage in 0..<heads.stageCount {
            let samples = RegionSamples(
                proposals: boxes, truths: truths, configuration: heads.configuration, stage: stage, seed: forward.seed)
            all.append(samples)
            let outputs = heads.boxes(maps, regions(samples), stage: stage, forward)
            let guesses = heads.bestClasses(outputs.logits)
            let classes = zip(samples.regions, guesses).map { $0.truth == nil ? $1 : $0.label }
            let next = heads.refined(
                regions(samples), outputs, classes: classes, contents: pictures.map(\.size), stage: stage)
            boxes = truths.map { _ in [] }
            for (region, box) in zip(samples.regions, next.map(\.box)) where !region.isTruth && box.isProper {
                boxes[region.picture].append(box)
            }
        }
        return all
    }
}
