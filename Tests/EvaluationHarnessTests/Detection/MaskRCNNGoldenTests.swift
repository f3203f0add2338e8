import Autograd
import CheckpointIO
import Determinism
import Geometry
import NeuralLayers
import TensorCore
import TestSupport
import Testing

@testable import DenseHeads

/// Proposals and detections on given feature maps, beside torchvision's: `Tests/Fixtures/maskrcnn`.
@Suite struct MaskRCNNGoldenTests {
    private let golden: [String: Tensor]
    private let configuration: MaskRCNNConfiguration
    private let proposer: RegionProposalNetwork
    private let regions: RegionHeads
    private let frames = [
        PictureFrame(ImageSize(height: 128, width: 128)), PictureFrame(ImageSize(height: 112, width: 90)),
    ]

    init() throws {
        let folder = try #require(SourceCheckout.folder)
        golden = try Safetensors.load("\(folder)/Tests/Fixtures/maskrcnn/inference.safetensors").tensors
        var configuration = MaskRCNNConfiguration(classCount: 3)
        configuration.channels = 8
        configuration.anchorSizes = [8, 16, 32, 64, 128]
        configuration.anchorRatios = [0.25, 1, 4]
        configuration.evaluationProposals = ProposalLimits(beforeSuppression: 150, afterSuppression: 60)
        configuration.canonicalSize = 56
        configuration.boxConvolutionCount = 1
        configuration.boxConvolutionChannels = 8
        configuration.boxLinearWidth = 16
        configuration.maskPoolSize = 7
        configuration.maskConvolutionCount = 2
        configuration.maskChannels = 8
        configuration.detectionLimit = 20
        self.configuration = configuration
        var stream = RandomStream(seed: 1, purpose: "test")
        let specs = (0..<5).map { FeatureSpec(name: "p\($0 + 2)", channels: 8, stride: 4 << $0) }
        proposer = RegionProposalNetwork(configuration, levels: specs, &stream)
        regions = RegionHeads(configuration, &stream)
        func weights(_ prefix: String) -> [String: Tensor] {
            let whole = "weight.\(prefix)."
            return Dictionary(
                uniqueKeysWithValues: golden.filter { $0.key.hasPrefix(whole) }.map {
                    (String($0.key.dropFirst(whole.count)), $0.value)
                })
        }
        try proposer.load(weights("proposal_generator"), from: "torchvision")
        try regions.load(weights("roi_heads"), from: "torchvision")
    }

    private func maps() throws -> FeatureMaps {
        FeatureMaps(
            try (0..<5).map { level in
                (
                    FeatureSpec(name: "p\(level + 2)", channels: 8, stride: 4 << level),
                    Variable(try #require(golden["map.\(level)"]))
                )
            })
    }

    private func boxes(_ name: String) throws -> [Box] {
        let values = try #require(golden[name]).doubles()
        return stride(from: 0, to: values.count, by: 4).map {
            Box(x0: values[$0], y0: values[$0 + 1], x1: values[$0 + 2], y1: values[$0 + 3])
        }
    }

    private func distance(_ a: Box, _ b: Box) -> Double {
        [a.x0 - b.x0, a.y0 - b.y0, a.x1 - b.x1, a.y1 - b.y1].map(abs).max()!
    }

    @Test("proposals are torchvision's, in its order")
    func proposals() throws {
        let found = proposer.proposals(
            proposer(try maps(), .evaluation), contents: frames.map(\.content),
            limits: configuration.evaluationProposals)
        for picture in 0..<2 {
            let wanted = try boxes("\(picture).proposals")
            #expect(found[picture].count == wanted.count)
            let worst = zip(found[picture], wanted).map { distance($0, $1) }.max() ?? 0
            #expect(worst < 1e-3, "picture \(picture): \(worst)")
        }
    }

    @Test("boxes, scores, labels and masks are torchvision's")
    func detections() throws {
        let proposals = try (0..<2).map { try boxes("\($0).proposals") }
        let found = regions.predict(try maps(), proposals: proposals, frames: frames, .evaluation)
        for picture in 0..<2 {
            let wanted = try boxes("\(picture).boxes")
            let scores = try #require(golden["\(picture).scores"]).floats()
            let labels = try #require(golden["\(picture).labels"]).ints()
            let masks = try #require(golden["\(picture).masks"])
            let instances = found[picture].instances
            #expect(instances.count == wanted.count && instances.map { Int32($0.label) } == labels)
            for (index, instance) in instances.enumerated() {
                #expect(distance(instance.box, wanted[index]) < 1e-3)
                #expect(abs(instance.score - scores[index]) < 1e-5)
                // torchvision's probabilities, pasted by the rule that this project shares with detectron2.
                let pasted = BinaryMask(
                    pasting: masks.rows(index..<index + 1).floats(), grid: ImageSize(height: 14, width: 14),
                    into: wanted[index], size: frames[picture].output, threshold: 0.5)
                let (mine, theirs) = (BinaryMask(instance.mask).pixels, pasted.pixels)
                let others = zip(mine, theirs).count { ($0 != 0) != ($1 != 0) }
                // A probability within rounding of one half may fall on either side.
                #expect(others <= 1, "picture \(picture), detection \(index): \(others) pixels")
            }
        }
    }
}
